//! The measurements. Subjects are measured in turn, so that a noisy moment affects all of them alike.

use std::io;

use crate::{
    clock, event,
    process::{Invoker, Process},
    subject::{Sizes, Subject},
};

/// How often each measurement is repeated.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Runs {
    /// Cold starts of each subject.
    pub(crate) starts: usize,
    /// Processes of each subject, each with the jobs of [`LOOKS`] and [`IGNORED_BLOCKS`] blocks of ignored events.
    pub(crate) rounds: usize,
}

/// The numbers of jobs after which a process's memory is read. Jobs before the first reading are not timed.
pub(crate) const LOOKS: [usize; 3] = [1_000, 5_000, 10_000];
/// Calls per job: two reads and one write.
pub(crate) const CALLS: usize = 3;
/// Consecutive jobs in one account. The pacing lets 60 calls of an action go at once, and then 9 per second.
const JOBS_OF_AN_ACCOUNT: usize = 50;
/// Jobs of one subject before the next one's turn.
const BLOCK: usize = 100;
/// Ignored events of one subject before the next one's turn, and the number of such blocks per process.
pub(crate) const IGNORED_BLOCK: usize = 1_000;
pub(crate) const IGNORED_BLOCKS: usize = 32;
/// Connections that carry ignored events. With several, an event is always waiting.
pub(crate) const CONNECTIONS: usize = 8;

/// The measurements of one subject.
#[derive(Debug, Clone, Default)]
pub(crate) struct Figures {
    /// Time from exec to the answer to the first job, in ms.
    pub(crate) cold_start: Vec<f64>,
    /// CPU time until then, in ms. Unlike the elapsed time, it does not grow on a busy machine.
    pub(crate) cold_start_cpu: Vec<f64>,
    /// CPU time per job, user and system, in µs; one value per block.
    pub(crate) job_cpu: Vec<f64>,
    /// Time from sending a job to its answer, in µs.
    pub(crate) job: Vec<f64>,
    /// CPU time per ignored event, in µs; one value per block.
    pub(crate) ignored_cpu: Vec<f64>,
    /// Ignored events per second; one value per block.
    pub(crate) ignored_per_second: Vec<f64>,
    /// Resident memory at each of [`LOOKS`], in KiB.
    pub(crate) resident: [Vec<f64>; 3],
    /// What is delivered.
    pub(crate) sizes: Sizes,
}

/// Measures the subjects in turn.
pub(crate) fn measure(subjects: &[Subject<'_>], runs: Runs) -> io::Result<Vec<Figures>> {
    let mut figures = vec![Figures::default(); subjects.len()];
    for (subject, of_subject) in subjects.iter().zip(&mut figures) {
        of_subject.sizes = subject.sizes()?;
    }
    for nth in 0..runs.starts {
        for at in in_turn(nth, subjects.len()).filter(|at| nth % subjects[*at].share() == 0) {
            let (passed, cpu) = cold_start(&subjects[at])?;
            figures[at].cold_start.push(passed);
            figures[at].cold_start_cpu.push(cpu);
        }
    }
    for _ in 0..runs.rounds {
        round(subjects, &mut figures)?;
    }
    Ok(figures)
}

/// The indexes of all subjects, starting with a different one each time.
fn in_turn(nth: usize, count: usize) -> impl Iterator<Item = usize> {
    (0..count).map(move |at| (at + nth) % count)
}

/// Returns the elapsed time and the CPU time of a cold start.
fn cold_start(subject: &Subject<'_>) -> io::Result<(f64, f64)> {
    let (job, calls) = (event::job(), subject.cloud.calls());
    let started = clock::now();
    let mut process = subject.start()?;
    process.connect()?.invoke(&job)?;
    let passed = started.elapsed().as_secs_f64() * 1e3;
    made(subject, calls, 1)?;
    Ok((passed, process.cpu()? / 1e3))
}

/// Checks that the subject has made exactly the calls of this many jobs.
fn made(subject: &Subject<'_>, before: usize, jobs: usize) -> io::Result<()> {
    let calls = subject.cloud.calls() - before;
    if calls == jobs * CALLS { Ok(()) } else { Err(io::Error::other(format!("{jobs} jobs took {calls} calls"))) }
}

/// Measures one process of each subject, from start to end.
fn round(subjects: &[Subject<'_>], figures: &mut [Figures]) -> io::Result<()> {
    let mut lives = subjects.iter().map(Life::begin).collect::<io::Result<Vec<_>>>()?;
    for nth in 0..LOOKS[2] / BLOCK {
        for at in in_turn(nth, lives.len()) {
            let mut warming_up = Figures::default();
            lives[at].jobs(if nth < LOOKS[0] / BLOCK { &mut warming_up } else { &mut figures[at] })?;
        }
        if let Some(look) = LOOKS.iter().position(|jobs| *jobs == (nth + 1) * BLOCK) {
            for (life, of_life) in lives.iter().zip(&mut *figures) {
                of_life.resident[look].push(life.process.resident()?);
            }
        }
    }
    for nth in 0..=IGNORED_BLOCKS {
        for at in in_turn(nth, lives.len()) {
            let mut warming_up = Figures::default();
            lives[at].ignored(if nth == 0 { &mut warming_up } else { &mut figures[at] })?;
        }
    }
    Ok(())
}

struct Life<'a> {
    subject: &'a Subject<'a>,
    process: Process,
    connections: Vec<Invoker>,
    /// The job in each account. `done` counts the jobs that are finished.
    jobs: Vec<Vec<u8>>,
    done: usize,
    ignored: Vec<u8>,
}

impl<'a> Life<'a> {
    fn begin(subject: &'a Subject<'a>) -> io::Result<Self> {
        let mut process = subject.start()?;
        let connections = vec![process.connect()?];
        let jobs = event::jobs(LOOKS[2].div_ceil(JOBS_OF_AN_ACCOUNT));
        Ok(Self { subject, process, connections, jobs, done: 0, ignored: event::ignored() })
    }

    /// Runs a block of jobs, one after the other. Each must make its calls.
    fn jobs(&mut self, figures: &mut Figures) -> io::Result<()> {
        let (count, calls) = (BLOCK / self.subject.share(), self.subject.cloud.calls());
        let cpu = self.process.cpu()?;
        for _ in 0..count {
            let job = &self.jobs[self.done / JOBS_OF_AN_ACCOUNT % self.jobs.len()];
            let sent = clock::now();
            self.connections[0].invoke(job)?;
            figures.job.push(sent.elapsed().as_secs_f64() * 1e6);
            self.done += 1;
        }
        figures.job_cpu.push((self.process.cpu()? - cpu) / count as f64);
        made(self.subject, calls, count)
    }

    /// Sends a block of ignored events over all connections at once.
    fn ignored(&mut self, figures: &mut Figures) -> io::Result<()> {
        while self.connections.len() < CONNECTIONS {
            self.connections.push(self.process.connect()?);
        }
        let (count, calls) = (IGNORED_BLOCK / self.subject.share(), self.subject.cloud.calls());
        let cpu = self.process.cpu()?;
        let started = clock::now();
        for connection in &mut self.connections {
            connection.send(&self.ignored)?;
        }
        for nth in 0..count {
            let connection = &mut self.connections[nth % CONNECTIONS];
            connection.receive()?;
            if nth + CONNECTIONS < count {
                connection.send(&self.ignored)?;
            }
        }
        let seconds = started.elapsed().as_secs_f64();
        figures.ignored_per_second.push(count as f64 / seconds);
        figures.ignored_cpu.push((self.process.cpu()? - cpu) / count as f64);
        made(self.subject, calls, 0)
    }
}

/// The median.
pub(crate) fn median(values: &[f64]) -> f64 {
    percentile(values, 50)
}

/// The smallest value that at least `percent` % of the values do not exceed. NaN without values.
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
    fn each_subject_has_its_turn_to_be_first() {
        assert_eq!(in_turn(4, 3).collect::<Vec<_>>(), [1, 2, 0]);
    }
}
