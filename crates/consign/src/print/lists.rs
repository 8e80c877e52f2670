//! Lists at platforms.

use consign_delivery::lists::Reconciliation;

use super::grid::{Column, Grid};
use super::{Shown, Style, moment, number};
use crate::view::{Lists, ReconciledLists};

impl Shown for Lists {
    fn text(&self, style: Style) -> String {
        if self.lists.is_empty() {
            return "There are no lists yet: `consign run CAMPAIGN` makes them\n".to_owned();
        }
        let columns = ["Destination", "Campaign", "Group", "List"].map(Column::Text).into_iter();
        let mut grid = Grid::new(columns.chain([Column::Number("Members"), Column::Text("Last delivery")]));
        for known in &self.lists {
            let list = &known.list;
            grid.row([
                list.destination.clone(),
                list.campaign.to_string(),
                list.group.to_string(),
                list.list_id.clone(),
                number(known.members),
                moment(list.remembered_at),
            ]);
        }
        grid.text(style)
    }
}

impl Shown for ReconciledLists {
    fn text(&self, style: Style) -> String {
        if self.lists.is_empty() {
            return "There is no list at a platform\n".to_owned();
        }
        let mut grid = Grid::new(["Campaign", "Group", "Destination", "List", "Outcome"].map(Column::Text));
        for list in &self.lists {
            let outcome = match &list.outcome {
                Reconciliation::Agreed(agreed) if agreed.found + agreed.gone == 0 => {
                    format!("{} members, as was known", number(agreed.members))
                }
                Reconciliation::Agreed(agreed) => format!(
                    "{} members: {} were not known, and {} that were are not there",
                    number(agreed.members),
                    number(agreed.found),
                    number(agreed.gone)
                ),
                Reconciliation::Unreadable => format!("`{}` lets nobody read its lists", list.kind),
                Reconciliation::Unknown => "never delivered, so there is nothing to read".to_owned(),
                Reconciliation::Failed { reason } => format!("error: {reason}"),
            };
            let ids = [&list.campaign, &list.group, &list.destination].map(ToString::to_string);
            grid.row(ids.into_iter().chain([list.list_name.clone(), outcome]));
        }
        grid.text(style)
    }
}
