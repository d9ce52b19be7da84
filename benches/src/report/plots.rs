//! Plots, as SVG.

use std::path::Path;

use plotters::prelude::*;

use super::Failed;
use crate::timing::Times;

/// The file of a mix's plot.
pub(super) fn file_name(mix: &str, place: &str) -> String {
    let name = format!("{mix} {place}").to_lowercase();
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
    format!("{}.svg", name.chars().map(plain).collect::<String>())
}

const WIDTH: i32 = 760;
const LABELS: i32 = 230;
const LINE: i32 = 26;

/// Bars, one a contender: nanoseconds a packet.
pub(super) fn bars(path: &Path, title: &str, times: &[Times]) -> Result<(), Failed> {
    let lines = i32::try_from(times.len())?;
    let height = u32::try_from(LINE * (lines + 2))?;
    let area = SVGBackend::new(path, (u32::try_from(WIDTH)?, height)).into_drawing_area();
    area.fill(&WHITE)?;
    let font = |size: i32| ("sans-serif", size).into_font();
    area.draw_text(&format!("{title}: ns a packet"), &font(16).color(&BLACK), (8, 6))?;
    let longest = times.iter().map(Times::median).fold(0.0, f64::max);
    for (at, one) in (1..).zip(times) {
        let top = LINE * at + 8;
        let room = f64::from(WIDTH - LABELS - 80);
        // A bar's length in whole pixels; its share of the longest is at most 1.
        let share = (one.median() / longest * room).round();
        let len = (0..WIDTH).take_while(|pixel| f64::from(*pixel) < share).count();
        let end = LABELS + i32::try_from(len)?;
        let color = if one.name.starts_with("egress25") { BLUE } else { RGBColor(150, 150, 150) };
        area.draw(&Rectangle::new([(LABELS, top), (end, top + LINE - 8)], color.filled()))?;
        area.draw_text(&one.name, &font(13).color(&BLACK), (8, top + 2))?;
        let value = format!("{:.1}", one.median());
        area.draw_text(&value, &font(13).color(&BLACK), (end + 6, top + 2))?;
    }
    area.present()?;
    Ok(())
}

/// The time of a look-up by the size of the table.
pub(super) fn growth(path: &Path, points: &[(f64, f64)]) -> Result<(), Failed> {
    let area = SVGBackend::new(path, (760, 320)).into_drawing_area();
    area.fill(&WHITE)?;
    let highest = points.iter().map(|(_, nanos)| *nanos).fold(0.0, f64::max) * 1.2;
    let mut chart = ChartBuilder::on(&area)
        .caption("Look-up: ns by machines in the table", ("sans-serif", 16))
        .margin(10)
        .x_label_area_size(30)
        .y_label_area_size(40)
        .build_cartesian_2d((1e3..1e7_f64).log_scale(), 0.0..highest)?;
    chart.configure_mesh().draw()?;
    chart.draw_series(LineSeries::new(points.iter().copied(), &BLUE))?;
    chart.draw_series(points.iter().map(|point| Circle::new(*point, 4, BLUE.filled())))?;
    area.present()?;
    Ok(())
}
