//! Reports as they are read: what a query asks, the sums that answer it, the rows behind a number, and files of both.
//!
//! `reports` answers with these, `report-exports` makes files of them.

pub mod ask;
pub mod load;
pub mod occasion;
pub mod rows;
pub mod titles;

use rapport_http::{Caller, Params, Problem};
use rapport_reporting::answer::Answer;
use rapport_reporting::table::{Cell, Column, Table};
use rapport_runtime::App;
pub use rapport_store::packed;

use rows::ReportRow;

/// A report with the names of its groups, and the table it makes.
#[derive(Debug)]
pub struct Report {
    /// The report.
    pub answer: Answer,
    /// The tenant's language.
    pub locale: String,
}

impl Report {
    /// The report as a table.
    #[must_use]
    pub fn table(&self) -> Table {
        Table::of(&self.answer, &self.locale)
    }
}

/// The parameters of a report.
pub const PARAMS: [&str; 5] = ["from", "to", "by", "limit", "convert"];

/// Answers a report.
///
/// # Errors
/// `404` for a report that is not, `400` and `422` for questions it cannot answer.
pub async fn report(app: &App, caller: &Caller, name: &str, params: &Params) -> Result<Report, Problem> {
    let definition = ask::definition(name)?;
    let cx = caller.accept(app).await?;
    let settings = &cx.rules.settings;
    let today = cx.rules.now.to_zoned(settings.zone()).date();
    let ask = ask::ask(definition, params, today)?;
    let mut loaded = load::load(app, caller.tenant, definition, &ask).await?;
    let settling = loaded.settling;
    let mut answer = (definition.answer)(&ask, &loaded.source(settings, cx.rules.now));
    answer.settling = settling;
    titles::name(app, caller, &mut answer).await?;
    Ok(Report {
        answer,
        locale: settings.locale.clone(),
    })
}

/// The head of a table of rows: columns `record`, `title`, `on`, `value`, `note`, and on the second sheet what was asked.
#[must_use]
pub fn head_of_rows(name: &str, params: &Params) -> Table {
    let unit = params
        .get("measure")
        .and_then(rapport_reporting::measure::Measure::from_word)
        .map_or(
            rapport_reporting::measure::Unit::Money,
            rapport_reporting::measure::Measure::unit,
        );
    let pair = |name: &str, value: &str| vec![Cell::Text(name.to_owned()), Cell::Text(value.to_owned())];
    let mut explain = vec![pair("report", name)];
    explain.extend(params.0.iter().map(|(name, value)| pair(name, value)));
    Table {
        columns: vec![
            Column::text("record"),
            Column::text("title"),
            Column::text("on"),
            Column::number("value", unit),
            Column::text("note"),
        ],
        explain,
        ..Table::default()
    }
}

/// One row of such a table.
#[must_use]
pub fn line(row: ReportRow) -> Vec<Cell> {
    vec![
        Cell::Text(row.record),
        Cell::Text(row.title),
        row.on.map_or(Cell::Empty, |on| Cell::Text(on.to_string())),
        Cell::Number(row.value.normalize()),
        row.note.map_or(Cell::Empty, Cell::Text),
    ]
}
