//! The plots of the sweeps, as SVG pictures: time on the left, memory on the right.

use std::{error::Error, path::Path};

use plotters::{coord::Shift, prelude::*};

use crate::{organization, sweep::Sweep, table::thousands};

/// The start of the time axis, in s. It is logarithmic, and the pace of a sweep that no quota delays is zero.
const MIN_SECONDS: f64 = 0.01;
const SIZE: (u32, u32) = (880, 340);
const TIME: RGBColor = RGBColor(0x0b, 0x6e, 0xb8);
const PACE: RGBColor = RGBColor(0xa8, 0xa8, 0xa8);
const MEMORY: RGBColor = RGBColor(0xb8, 0x4a, 0x0b);

type Points = Vec<(f64, f64)>;

/// One of the two plots: what was measured, and beside it what it is compared with.
struct Plot<'a> {
    caption: &'a str,
    /// What the numbers across are of.
    of: &'a str,
    up: (f64, f64),
    has_whole_numbers: bool,
    beside: (&'a str, u32, Points),
    measured: Points,
    color: RGBColor,
}

/// Plots time and memory over the number of VPCs.
pub(crate) fn draw(sweeps: &[Sweep], file: &Path) -> Result<(), Box<dyn Error>> {
    let points = |of: fn(&Sweep) -> f64| sweeps.iter().map(|it| (it.size.vpcs as f64, of(it))).collect::<Points>();
    let times = points(|it| it.wall);
    let held_up = points(|it| it.size.pace_time()).into_iter().filter(|at| at.1 > MIN_SECONDS).collect();
    draw_both(
        file,
        [
            Plot {
                caption: "time of a sweep, s",
                of: "VPCs",
                up: (MIN_SECONDS, highest(&times).max(1.0) * 2.0),
                has_whole_numbers: false,
                beside: ("at the pace of the client", 7, held_up),
                measured: times,
                color: TIME,
            },
            memory("most memory, MiB", "VPCs", "in proportion to the VPCs", points(|it| it.peak / 1024.0)),
        ],
    )
}

/// Plots time and memory over the number of accounts.
pub(crate) fn draw_organization(sweeps: &[organization::Sweep], file: &Path) -> Result<(), Box<dyn Error>> {
    let points = |of: fn(&organization::Sweep) -> f64| -> Points {
        sweeps.iter().map(|it| (it.accounts as f64, of(it))).collect()
    };
    let times = points(|it| it.wall);
    draw_both(
        file,
        [
            Plot {
                caption: "time of a sweep, s",
                of: "accounts",
                up: (1.0, highest(&times) * 4.0),
                has_whole_numbers: true,
                beside: ("submitting, at the pace of the client", 7, points(organization::Sweep::pace_time)),
                measured: times,
                color: TIME,
            },
            memory("most memory of an instance, MiB", "accounts", "in proportion", points(|it| it.peak / 1024.0)),
        ],
    )
}

/// Returns the plot of memory, beside what would be in proportion.
fn memory<'a>(caption: &'a str, of: &'a str, proportional: &'a str, measured: Points) -> Plot<'a> {
    let (least, first) = measured.first().copied().unwrap_or((1.0, 1.0));
    let in_proportion: Points = measured.iter().map(|(x, _)| (*x, first * x / least)).collect();
    Plot {
        caption,
        of,
        up: (1.0, highest(&in_proportion) * 1.5),
        has_whole_numbers: true,
        beside: (proportional, 2, in_proportion),
        measured,
        color: MEMORY,
    }
}

fn highest(points: &[(f64, f64)]) -> f64 {
    points.iter().map(|at| at.1).fold(0.0, f64::max)
}

/// Draws two plots side by side. The background is white, so that they are readable on any page.
fn draw_both(file: &Path, plots: [Plot<'_>; 2]) -> Result<(), Box<dyn Error>> {
    let area = SVGBackend::new(file, SIZE).into_drawing_area();
    area.fill(&WHITE)?;
    let (left, right) = area.split_horizontally(SIZE.0 / 2);
    for (half, plot) in [left, right].iter().zip(plots) {
        draw_one(half, plot)?;
    }
    area.present()?;
    Ok(())
}

fn draw_one(area: &DrawingArea<SVGBackend<'_>, Shift>, plot: Plot<'_>) -> Result<(), Box<dyn Error>> {
    let across = |at: Option<&(f64, f64)>| at.map_or(1.0, |at| at.0);
    let (least, most) = (across(plot.measured.first()), across(plot.measured.last()));
    let count = |number: &f64| thousands(number.round() as usize);
    let mut chart = ChartBuilder::on(area)
        .caption(plot.caption, ("sans-serif", 16))
        .margin(12)
        .x_label_area_size(36)
        .y_label_area_size(48)
        .build_cartesian_2d((least * 0.7..most * 1.4).log_scale(), (plot.up.0..plot.up.1).log_scale())?;
    let mut mesh = chart.configure_mesh();
    mesh.x_desc(plot.of).x_label_formatter(&count).max_light_lines(0);
    if plot.has_whole_numbers {
        mesh.y_label_formatter(&count);
    }
    mesh.draw()?;
    let (label, width, points) = plot.beside;
    chart
        .draw_series(LineSeries::new(points.into_iter().filter(|at| at.1 >= plot.up.0), PACE.stroke_width(width)))?
        .label(label)
        .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], PACE.stroke_width(width)));
    let color = plot.color;
    chart
        .draw_series(LineSeries::new(plot.measured, color.stroke_width(2)).point_size(4))?
        .label("measured")
        .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], color.stroke_width(2)));
    chart.configure_series_labels().position(SeriesLabelPosition::UpperLeft).border_style(PACE).draw()?;
    Ok(())
}
