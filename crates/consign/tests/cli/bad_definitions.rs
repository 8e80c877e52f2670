//! Definitions that are wrong: every problem at once, with its place and its remedy; what is stored stays as it is.

use std::fs;

use insta::assert_snapshot;

use crate::shop::{self, CAMPAIGN, DESTINATIONS};
use crate::terminal::Terminal;

/// What is said of definitions that `spoil` spoils.
fn said(spoil: impl FnOnce(&Terminal)) -> String {
    let terminal = shop::applied();
    let before = terminal.consign("export").out;
    spoil(&terminal);
    let [validated, applied] = ["validate clean", "apply clean"].map(|command| terminal.consign(command));
    assert_eq!((validated.code, applied.code, &applied.err), (3, 3, &validated.err));
    shop::discreet(&validated);
    assert_eq!(terminal.consign("export").out, before, "what is stored is as it was");
    validated.transcript()
}

#[test]
fn unknown_keys_are_named_with_the_nearest_known() {
    assert_snapshot!(said(|shop| {
        shop.edit(CAMPAIGN, "percent: 90", "percentage: 90");
        shop.edit(CAMPAIGN, "include:", "includes:");
        shop.edit(DESTINATIONS, "settings: { folder: out }", "settings: { foldr: out }");
        shop::append(shop, CAMPAIGN, "segmints: []\n");
    }));
}

#[test]
fn two_campaigns_with_one_slug() {
    assert_snapshot!(said(|shop| {
        let text = fs::read_to_string(shop.path(CAMPAIGN)).expect("read");
        let other = text.replace("name: Churn\n", "name: Another\n").replace("{ name: Letter,", "{ name: Card,");
        fs::write(shop.path("clean/campaigns/another.yaml"), other).expect("written");
    }));
}

#[test]
fn a_template_that_leaves_its_folder() {
    let named = |template: &str| {
        said(|shop| shop.edit(CAMPAIGN, "      folder:\n", &format!("      folder:\n        name: \"{template}\"\n")))
    };
    let transcripts = ["../{{ group_name }}", "/etc/{{ group_name }}", "a/../../{{ group_name }}", ".."].map(named);
    assert_snapshot!(transcripts.join("\n"));
}

#[test]
fn a_name_that_leaves_the_folder_through_a_template() {
    assert_snapshot!(said(|shop| {
        shop.edit(CAMPAIGN, "      folder:\n", "      folder:\n        name: \"{{ group_name }}\"\n");
        shop.edit(CAMPAIGN, "{ name: Letter,", "{ name: ../../Letter,");
    }));
}
