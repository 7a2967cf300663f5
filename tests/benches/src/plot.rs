//! The plot of the sweeps, as an SVG picture.

use std::{error::Error, path::Path};

use plotters::prelude::*;

use crate::{sweep::Sweep, table::thousands};

/// The start of the time axis, in s. It is logarithmic, and the pace of a sweep that no quota delays is zero.
const MIN_SECONDS: f64 = 0.01;
const SIZE: (u32, u32) = (880, 340);
const TIME: RGBColor = RGBColor(0x0b, 0x6e, 0xb8);
const PACE: RGBColor = RGBColor(0xa8, 0xa8, 0xa8);
const MEMORY: RGBColor = RGBColor(0xb8, 0x4a, 0x0b);

/// Plots time and memory over the number of VPCs. The background is white, so that it is readable on any page.
pub(crate) fn draw(sweeps: &[Sweep], file: &Path) -> Result<(), Box<dyn Error>> {
    let vpcs = |sweep: &Sweep| sweep.size.vpcs as f64;
    let (least, most) = (sweeps.first().map_or(1.0, vpcs), sweeps.last().map_or(1.0, vpcs));
    let across = || (least * 0.7..most * 1.4).log_scale();
    let count = |number: &f64| thousands(number.round() as usize);

    let area = SVGBackend::new(file, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let (left, right) = area.split_horizontally(SIZE.0 / 2);

    let points = |of: fn(&Sweep) -> f64| sweeps.iter().map(move |sweep| (vpcs(sweep), of(sweep)));
    let max_seconds = sweeps.iter().map(|sweep| sweep.wall).fold(1.0, f64::max);
    let mut times = ChartBuilder::on(&left)
        .caption("time of a sweep, s", ("sans-serif", 16))
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(48)
        .build_cartesian_2d(across(), (MIN_SECONDS..max_seconds * 2.0).log_scale())?;
    times.configure_mesh().x_desc("VPCs").x_label_formatter(&count).max_light_lines(0).draw()?;
    let held_up = points(|it| it.size.pace_time()).filter(|at| at.1 > MIN_SECONDS);
    times
        .draw_series(LineSeries::new(held_up, PACE.stroke_width(7)))?
        .label("at the pace of the client")
        .legend(|(x, y)| PathElement::new([(x, y), (x + 18, y)], PACE.stroke_width(7)));
    times
        .draw_series(LineSeries::new(points(|it| it.wall), TIME.stroke_width(2)).point_size(4))?
        .label("measured")
        .legend(|(x, y)| PathElement::new([(x, y), (x + 18, y)], TIME.stroke_width(2)));
    times.configure_series_labels().position(SeriesLabelPosition::UpperLeft).border_style(PACE).draw()?;

    let mebibytes = |sweep: &Sweep| sweep.peak / 1024.0;
    let first = sweeps.first().map_or(1.0, mebibytes);
    let proportional = points(|it| it.size.vpcs as f64).map(|(x, number)| (x, first * number / least));
    let mut memory = ChartBuilder::on(&right)
        .caption("most memory, MiB", ("sans-serif", 16))
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(48)
        .build_cartesian_2d(across(), (1.0..first * most / least * 1.5).log_scale())?;
    memory
        .configure_mesh()
        .x_desc("VPCs")
        .x_label_formatter(&count)
        .y_label_formatter(&count)
        .max_light_lines(0)
        .draw()?;
    memory
        .draw_series(LineSeries::new(proportional, PACE.stroke_width(2)))?
        .label("in proportion to the VPCs")
        .legend(|(x, y)| PathElement::new([(x, y), (x + 18, y)], PACE.stroke_width(2)));
    memory
        .draw_series(LineSeries::new(points(mebibytes), MEMORY.stroke_width(2)).point_size(4))?
        .label("measured")
        .legend(|(x, y)| PathElement::new([(x, y), (x + 18, y)], MEMORY.stroke_width(2)));
    memory.configure_series_labels().position(SeriesLabelPosition::UpperLeft).border_style(PACE).draw()?;

    area.present()?;
    Ok(())
}
