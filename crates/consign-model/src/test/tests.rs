use super::*;
use crate::condition::{Range, Scalar};

const TYPES: [ColumnType; 6] = [
    ColumnType::Text,
    ColumnType::Number,
    ColumnType::Date,
    ColumnType::Timestamp,
    ColumnType::Boolean,
    ColumnType::Other,
];

fn text(value: &str) -> Operand {
    Operand::One(Scalar::Text(value.into()))
}

fn integer(value: i64) -> Operand {
    Operand::One(Scalar::Integer(value))
}

fn refused(column_type: ColumnType, operator: Operator, value: Option<&Operand>) -> (Part, String) {
    let error = check_test(column_type, operator, value).expect_err("it is refused");
    (error.part, error.to_string())
}

/// An operand that fits an operator for a type.
fn fitting(column_type: ColumnType, operator: Operator) -> Option<Operand> {
    use Operator as O;
    Some(match (operator, column_type) {
        (O::InList | O::NotInList, ColumnType::Text) => Operand::List(vec![Scalar::Text("a".into())]),
        (O::InList | O::NotInList, _) => Operand::List(vec![Scalar::Integer(1), Scalar::Number(2.5)]),
        (O::Between | O::NotBetween, ColumnType::Number) => {
            Operand::Range(Range { from: Scalar::Integer(1), to: Scalar::Number(1.5) })
        }
        (O::Between, _) => {
            Operand::Range(Range { from: Scalar::Text("2026-01-01".into()), to: Scalar::Text("2026-01-01".into()) })
        }
        (O::IsOn | O::IsBefore | O::IsAfter, _) => text("2024-02-29"),
        (O::InLast | O::MoreThanAgo | O::InNext | O::AnniversaryInNext, _) => Operand::Span(Span::Days(30)),
        (
            O::IsNull
            | O::IsNotNull
            | O::Exists
            | O::IsBlank
            | O::IsNotBlank
            | O::IsTrue
            | O::IsFalse
            | O::AnniversaryInNextMonth,
            _,
        ) => return None,
        (_, ColumnType::Text) => text("a"),
        _ => integer(12),
    })
}

#[test]
fn every_operator_of_a_type_makes_a_test_with_a_fitting_value_and_none_without() {
    for column_type in TYPES {
        for operator in operators(column_type) {
            let value = fitting(column_type, *operator);
            let test = check_test(column_type, *operator, value.as_ref());
            assert!(test.is_ok(), "{column_type:?} {operator:?}: {test:?}");
            if value.is_some() {
                assert_eq!(refused(column_type, *operator, None).0, Part::Value);
            } else {
                assert_eq!(refused(column_type, *operator, Some(&integer(1))).0, Part::Value);
            }
        }
    }
}

#[test]
fn an_operator_of_another_type_is_refused_with_those_there_are() {
    let (part, message) = refused(ColumnType::Boolean, Operator::Contains, Some(&text("a")));
    assert_eq!(part, Part::Operator);
    assert_eq!(
        message,
        "`contains` is not an operator for a boolean: choose one of `is_true`, `is_false`, `is_null` and `is_not_null`"
    );
}

#[test]
fn a_number_for_a_text_column_is_to_be_quoted_and_a_quoted_number_to_be_unquoted() {
    let (_, message) = refused(ColumnType::Text, Operator::Is, Some(&integer(1)));
    assert_eq!(
        message,
        "the column is text and this is a number: put it in quotes, `'1'`, with its leading zeros if it has any"
    );
    let (_, message) = refused(ColumnType::Number, Operator::Is, Some(&text("100")));
    assert_eq!(message, "the value is a number and this is text: remove the quotes");
    let list = Operand::List(vec![Scalar::Text("a".into()), Scalar::Integer(7)]);
    assert_eq!(refused(ColumnType::Text, Operator::InList, Some(&list)).0, Part::Item(1));
}

#[test]
fn impossible_dates_ranges_percentages_patterns_and_spans_are_refused() {
    for date in ["2026-02-29", "2026-2-3", "01/02/2026", "+026-01-01", ""] {
        assert_eq!(refused(ColumnType::Date, Operator::IsOn, Some(&text(date))).0, Part::Value, "{date}");
    }
    let range = Operand::Range(Range { from: Scalar::Integer(2), to: Scalar::Integer(1) });
    assert_eq!(refused(ColumnType::Number, Operator::Between, Some(&range)).0, Part::Value);
    assert_eq!(refused(ColumnType::Number, Operator::TopPercent, Some(&integer(0))).0, Part::Value);
    assert_eq!(refused(ColumnType::Number, Operator::TopPercent, Some(&integer(101))).0, Part::Value);
    assert_eq!(refused(ColumnType::Text, Operator::IsLike, Some(&text(r"50\"))).0, Part::Value);
    assert_eq!(refused(ColumnType::Text, Operator::Contains, Some(&text(""))).0, Part::Value);
    let months = Operand::Span(Span::Months(13));
    assert_eq!(refused(ColumnType::Date, Operator::AnniversaryInNext, Some(&months)).0, Part::Value);
    let weeks = Operand::Span(Span::Weeks(u32::MAX));
    assert_eq!(refused(ColumnType::Date, Operator::InLast, Some(&weeks)).0, Part::Value);
    assert_eq!(refused(ColumnType::Date, Operator::MonthIs, Some(&integer(13))).0, Part::Value);
}

#[test]
fn aggregates_have_the_type_of_what_they_are_taken_of() {
    use AggregateFunction as F;
    let two = integer(2);
    let at_least = Some(Operator::AtLeast);
    assert_eq!(check_aggregate(F::Exists, None, None, None), Ok(None));
    assert_eq!(
        check_aggregate(F::Count, None, at_least, Some(&two)),
        Ok(Some(Test::Number(NumberTest::AtLeast(Number::Integer(2)))))
    );
    let day = text("2026-01-01");
    assert!(check_aggregate(F::Max, Some(ColumnType::Timestamp), Some(Operator::IsAfter), Some(&day)).is_ok());
    let part = |function, of, operator, value: Option<&Operand>| {
        check_aggregate(function, of, operator, value).expect_err("it is refused").part
    };
    assert_eq!(part(F::Exists, None, at_least, Some(&two)), Part::Operator);
    assert_eq!(part(F::Count, Some(ColumnType::Text), at_least, Some(&two)), Part::Of);
    assert_eq!(part(F::Sum, None, at_least, Some(&two)), Part::Of);
    assert_eq!(part(F::Sum, Some(ColumnType::Text), at_least, Some(&two)), Part::Of);
    assert_eq!(part(F::Count, None, None, None), Part::Operator);
    assert_eq!(part(F::Count, None, Some(Operator::TopPercent), Some(&two)), Part::Operator);
}
