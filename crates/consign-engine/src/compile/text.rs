//! Tests of texts.

use consign_model::test::TextTest;
use datafusion::functions::string::expr_fn::{contains, ends_with, starts_with};
use datafusion::logical_expr::{Expr, in_list};
use datafusion::scalar::ScalarValue;

use crate::functions::is_blank;

/// Whether a text passes; true or false.
pub(super) fn test(value: Expr, asked: &TextTest) -> Expr {
    match asked {
        TextTest::Blank => return is_blank(value),
        TextTest::NotBlank => return Expr::Not(Box::new(is_blank(value))),
        TextTest::Is(text) => value.eq(literal(text)),
        TextTest::IsNot(text) => value.not_eq(literal(text)),
        TextTest::In(texts) => in_list(value, texts.iter().map(|text| literal(text)).collect(), false),
        TextTest::NotIn(texts) => in_list(value, texts.iter().map(|text| literal(text)).collect(), true),
        TextTest::Contains(text) => contains(value, literal(text)),
        TextTest::DoesNotContain(text) => Expr::Not(Box::new(contains(value, literal(text)))),
        TextTest::StartsWith(text) => starts_with(value, literal(text)),
        TextTest::EndsWith(text) => ends_with(value, literal(text)),
        // Its escape is `\`, as ours.
        TextTest::Like(pattern) => value.like(literal(pattern)),
    }
    .is_true()
}

fn literal(text: &str) -> Expr {
    Expr::Literal(ScalarValue::Utf8View(Some(text.to_owned())), None)
}
