//! The measurements. Whatever is compared is measured in turn, so that a noisy moment meets all alike.

use std::io;

use crate::clock;
use crate::event;
use crate::stub::Cloud;
use crate::subject::{Invoker, Kind, Process, Subject};

/// How often everything is done.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Runs {
    /// Cold starts of each subject.
    pub(crate) starts: usize,
    /// Processes of each subject, each with [`JOBS`] jobs and so many blocks of ignored events.
    pub(crate) rounds: usize,
}

/// Jobs in the life of a process.
pub(crate) const JOBS: usize = 10_000;
/// Jobs after which its memory is looked at for the first time; they are not timed.
pub(crate) const FIRST_JOBS: usize = 1_000;
/// Jobs in a row in one account. Quotas let 60 calls of an action go at once, and 9 in each second after that.
const JOBS_OF_AN_ACCOUNT: usize = 50;
/// Jobs of one subject before it is the next one's turn.
const BLOCK: usize = 100;
/// Ignored events of one subject before it is the next one's turn, and how many such blocks a process has.
pub(crate) const IGNORED_BLOCK: usize = 1_000;
pub(crate) const IGNORED_BLOCKS: usize = 32;
/// Connections over which ignored events come, so that there is always one to be taken up.
pub(crate) const CONNECTIONS: usize = 8;

/// What was measured of one subject.
#[derive(Debug, Clone, Default)]
pub(crate) struct Figures {
    /// From exec to the answer of the first job, in ms.
    pub(crate) cold_start: Vec<f64>,
    /// Processor time until then, in ms. Unlike the time that passed, it does not grow where others want the processor.
    pub(crate) cold_start_cpu: Vec<f64>,
    /// Processor time of a job, user and system, in µs; one of each block.
    pub(crate) job_cpu: Vec<f64>,
    /// From sending a job to its answer, in µs.
    pub(crate) job: Vec<f64>,
    /// Processor time of an ignored event, in µs; one of each block.
    pub(crate) ignored_cpu: Vec<f64>,
    /// Ignored events in a second; one of each block.
    pub(crate) ignored_per_second: Vec<f64>,
    /// Resident memory after [`FIRST_JOBS`] jobs, in KiB.
    pub(crate) resident_first: Vec<f64>,
    /// Resident memory after [`JOBS`] jobs, in KiB.
    pub(crate) resident_last: Vec<f64>,
    /// Size of the binary, in bytes.
    pub(crate) size: u64,
}

/// How many calls a subject makes for a job.
pub(crate) fn calls_of_a_job(subject: &Subject, cloud: &Cloud) -> io::Result<usize> {
    let before = cloud.calls();
    let mut process = subject.start(cloud.address)?;
    process.connect()?.invoke(&event::job())?;
    Ok(cloud.calls() - before)
}

/// Measures each subject beside the others.
pub(crate) fn measure(subjects: &[Subject], cloud: &Cloud, runs: Runs) -> io::Result<Vec<Figures>> {
    let mut figures = vec![Figures::default(); subjects.len()];
    for (subject, figures) in subjects.iter().zip(&mut figures) {
        figures.size = subject.size()?;
        if let Kind::Floor { calls } = subject.kind
            && calls_of_a_job(subject, cloud)? != calls
        {
            return Err(io::Error::other("the floor does not make the calls that it should"));
        }
    }
    for nth in 0..runs.starts {
        for at in in_turn(nth, subjects.len()) {
            let (passed, cpu) = cold_start(&subjects[at], cloud)?;
            figures[at].cold_start.push(passed);
            figures[at].cold_start_cpu.push(cpu);
        }
    }
    for _ in 0..runs.rounds {
        round(subjects, cloud, &mut figures)?;
    }
    Ok(figures)
}

/// All of them, another one first each time.
fn in_turn(nth: usize, count: usize) -> impl Iterator<Item = usize> {
    (0..count).map(move |at| (at + nth) % count)
}

/// The time that passed, and that on a processor.
fn cold_start(subject: &Subject, cloud: &Cloud) -> io::Result<(f64, f64)> {
    let job = event::job();
    let started = clock::now();
    let mut process = subject.start(cloud.address)?;
    process.connect()?.invoke(&job)?;
    let passed = started.elapsed().as_secs_f64() * 1e3;
    Ok((passed, process.cpu()? / 1e3))
}

/// The life of one process of each subject.
fn round(subjects: &[Subject], cloud: &Cloud, figures: &mut [Figures]) -> io::Result<()> {
    let mut lives = subjects.iter().map(|subject| Life::begin(subject, cloud)).collect::<io::Result<Vec<_>>>()?;
    for (life, figures) in lives.iter_mut().zip(&mut *figures) {
        life.jobs(FIRST_JOBS, cloud, &mut Figures::default())?;
        figures.resident_first.push(life.process.resident()?);
    }
    for nth in 0..(JOBS - FIRST_JOBS) / BLOCK {
        for at in in_turn(nth, lives.len()) {
            lives[at].jobs(BLOCK, cloud, &mut figures[at])?;
        }
    }
    for (life, figures) in lives.iter().zip(&mut *figures) {
        figures.resident_last.push(life.process.resident()?);
    }
    for nth in 0..=IGNORED_BLOCKS {
        for at in in_turn(nth, lives.len()) {
            let mut warming_up = Figures::default();
            lives[at].ignored(if nth == 0 { &mut warming_up } else { &mut figures[at] })?;
        }
    }
    Ok(())
}

struct Life {
    process: Process,
    connections: Vec<Invoker>,
    /// The job in each account, and how many have been done.
    jobs: Vec<Vec<u8>>,
    done: usize,
    calls_of_a_job: usize,
    ignored: Vec<u8>,
}

impl Life {
    fn begin(subject: &Subject, cloud: &Cloud) -> io::Result<Self> {
        let mut process = subject.start(cloud.address)?;
        let connections = vec![process.connect()?];
        let calls_of_a_job = calls_of_a_job(subject, cloud)?;
        let jobs = event::jobs(JOBS.div_ceil(JOBS_OF_AN_ACCOUNT));
        Ok(Self { process, connections, jobs, done: 0, calls_of_a_job, ignored: event::ignored() })
    }

    /// Jobs, one after the other, each of which has to make its calls.
    fn jobs(&mut self, count: usize, cloud: &Cloud, figures: &mut Figures) -> io::Result<()> {
        let calls = cloud.calls();
        let cpu = self.process.cpu()?;
        for _ in 0..count {
            let job = &self.jobs[self.done / JOBS_OF_AN_ACCOUNT % self.jobs.len()];
            let sent = clock::now();
            self.connections[0].invoke(job)?;
            figures.job.push(sent.elapsed().as_secs_f64() * 1e6);
            self.done += 1;
        }
        figures.job_cpu.push((self.process.cpu()? - cpu) / count as f64);
        if cloud.calls() - calls != count * self.calls_of_a_job {
            return Err(io::Error::other("not every job made as many calls as the first"));
        }
        Ok(())
    }

    /// Ignored events, over all connections at once.
    fn ignored(&mut self, figures: &mut Figures) -> io::Result<()> {
        while self.connections.len() < CONNECTIONS {
            self.connections.push(self.process.connect()?);
        }
        let cpu = self.process.cpu()?;
        let started = clock::now();
        for connection in &mut self.connections {
            connection.send(&self.ignored)?;
        }
        for nth in 0..IGNORED_BLOCK {
            let connection = &mut self.connections[nth % CONNECTIONS];
            connection.receive()?;
            if nth + CONNECTIONS < IGNORED_BLOCK {
                connection.send(&self.ignored)?;
            }
        }
        let seconds = started.elapsed().as_secs_f64();
        figures.ignored_per_second.push(IGNORED_BLOCK as f64 / seconds);
        figures.ignored_cpu.push((self.process.cpu()? - cpu) / IGNORED_BLOCK as f64);
        Ok(())
    }
}

/// The value in the middle.
pub(crate) fn median(values: &[f64]) -> f64 {
    percentile(values, 50)
}

/// The smallest value below which, or at which, are `percent` of 100. Nothing at all is no number.
pub(crate) fn percentile(values: &[f64], percent: usize) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or(f64::NAN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_one_of_the_values() {
        let values: Vec<f64> = (1..=200).rev().map(f64::from).collect();
        assert_eq!((percentile(&values, 50), percentile(&values, 99), percentile(&values, 100)), (100.0, 198.0, 200.0));
        assert_eq!(median(&[7.0]), 7.0);
        assert!(median(&[]).is_nan());
    }

    #[test]
    fn each_has_its_turn_to_be_first() {
        assert_eq!(in_turn(4, 3).collect::<Vec<_>>(), [1, 2, 0]);
    }
}
