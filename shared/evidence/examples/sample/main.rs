//! Writes sample evidence in every form into a folder: `cargo run -p evidence --example sample -- small FOLDER`.
//!
//! The tests of the page open what this writes, and so do those of the OCSF form.

mod samples;

use std::{error::Error, fs::File, path::Path, process::ExitCode};

use evidence::Evidence;

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
    match write(&Evidence::new(facts), Path::new(&folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

fn write(evidence: &Evidence, folder: &Path) -> Result<(), Box<dyn Error>> {
    std::fs::create_dir_all(folder)?;
    let file = |name: &str| File::create(folder.join(name));
    evidence.write_page(file("evidence.html")?)?;
    evidence.write_csv(file("evidence.csv")?)?;
    evidence.write_json(file("evidence.json")?)?;
    evidence.write_ocsf(file("evidence.ocsf.json")?)?;
    evidence.write_junit(file("evidence.xml")?)?;
    Ok(())
}
