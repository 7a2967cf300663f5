//! Writes sample evidence into a folder: `cargo run -p evidence --example sample -- small FOLDER [FORM]...`. Without a
//! form, all of them.
//!
//! The tests of the page open what this writes, and so do those of the OCSF form. It is also what to measure: `large`
//! has 50,000 resources.

mod samples;

use std::{fs::File, io, path::Path, process::ExitCode};

use evidence::Evidence;

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
    let facts = match name.as_str() {
        "minimal" => samples::minimal(),
        "small" => samples::small(),
        "hostile" => samples::hostile(),
        "large" => samples::large(50_000),
        _ => return ExitCode::from(64),
    };
    let forms: Vec<_> = arguments.collect();
    match write(&Evidence::new(facts), Path::new(&folder), &forms) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
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
