//! Writes sample evidence into a folder: `cargo run -p evidence --example sample -- small FOLDER [FORM]...`. Without a
//! form, all of them.
//!
//! The tests of the page open what this writes, and so do those of the OCSF form. It is also what to measure: `large`
//! has 50,000 resources, and `findings` a million findings; the report lists 100,000 of them.

mod samples;

use std::{fs::File, io, path::Path, process::ExitCode};

use evidence::{Evidence, Index, ReportSummary};

/// Writes one form.
type Write = fn(&Evidence, File) -> io::Result<()>;

/// The forms, with the names of their files.
const FORMS: [(&str, &str, Write); 5] = [
    ("page", "evidence.html", |evidence, file| evidence.write_page(file)),
    ("csv", "evidence.csv", |evidence, file| evidence.write_csv(file)),
    ("json", "evidence.json", |evidence, file| evidence.write_json(file)),
    ("ocsf", "evidence.ocsf.json", |evidence, file| evidence.write_ocsf(file)),
    ("junit", "evidence.xml", |evidence, file| evidence.write_junit(file)),
];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(name), Some(folder)) = (arguments.next(), arguments.next()) else { return ExitCode::from(64) };
    if name == "index" {
        return exit(index(Path::new(&folder)));
    }
    let facts = match name.as_str() {
        "minimal" => samples::minimal(),
        "small" => samples::small(),
        "hostile" => samples::hostile(),
        "omitted" => samples::omitted(),
        "large" => samples::large(50_000),
        "findings" => samples::findings(1_000_000, 100_000),
        _ => return ExitCode::from(64),
    };
    let forms: Vec<_> = arguments.collect();
    exit(write(&Evidence::new(facts), Path::new(&folder), &forms))
}

fn exit(written: io::Result<()>) -> ExitCode {
    written.map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS)
}

/// Writes a list of reports.
fn index(folder: &Path) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let samples = [samples::minimal(), samples::small(), samples::hostile(), samples::omitted()];
    let reports = samples.into_iter().enumerate().map(|(nth, mut facts)| {
        // A list has one report of a run.
        facts.head.run = if nth == 2 { samples::HOSTILE[0].to_owned() } else { format!("run-{nth}") };
        ReportSummary::of(&Evidence::new(facts), &format!("2026-11-25/run-{nth}"))
    });
    Index::new(reports, false).write_page(File::create(folder.join("evidence.html"))?)
}

fn write(evidence: &Evidence, folder: &Path, forms: &[String]) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    for (form, name, write) in FORMS {
        if forms.is_empty() || forms.iter().any(|wanted| wanted == form) {
            write(evidence, File::create(folder.join(name))?)?;
        }
    }
    Ok(())
}
