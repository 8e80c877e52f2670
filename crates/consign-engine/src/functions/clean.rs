//! `clean(value, country, normalisation, prehashed, default_region, strict, this_year)`: a value as destinations want
//! it, by the rules of `consign-normalise`. Null stays null; the empty text is an invalid value.

use arrow::datatypes::DataType;
use consign_model::plan::{CleanedColumn, Prehashed, RegionRule};
use consign_model::spec::Normalisation;
use consign_normalise::Cleaner;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility, lit,
};
use datafusion::scalar::ScalarValue;

use super::{column, literal_text, text};

#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Clean {
    signature: Signature,
}

impl Clean {
    pub fn new() -> Self {
        Self { signature: Signature::any(7, Volatility::Immutable) }
    }
}

/// The expression of a cleaned column. `value` and `country` are text.
pub(crate) fn clean(cleaned: &CleanedColumn, value: Expr, country: Option<Expr>, this_year: i32) -> Expr {
    let null = || Expr::Literal(ScalarValue::Utf8(None), None);
    let region = cleaned.region.as_ref();
    let prehashed = match cleaned.prehashed {
        Prehashed::No => "no",
        Prehashed::Sha256 => "sha256",
        Prehashed::Sha256OrMd5 => "sha256_or_md5",
    };
    ScalarUDF::new_from_impl(Clean::new()).call(vec![
        value,
        country.unwrap_or_else(null),
        lit(format!("{:?}", cleaned.normalisation)),
        lit(prehashed),
        region.map_or_else(null, |region| lit(region.default_region.clone())),
        lit(region.is_some_and(|region| region.strict)),
        lit(this_year),
    ])
}

impl ScalarUDFImpl for Clean {
    fn name(&self) -> &'static str {
        "clean"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8View)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let unknown = |what: &str| DataFusionError::Execution(format!("`clean` does not know {what}"));
        let normalisation = literal_text(&args.args[2], "the normalisation")?.unwrap_or_default();
        let normalisation = normalisation_of(&normalisation).ok_or_else(|| unknown(&normalisation))?;
        let prehashed = match literal_text(&args.args[3], "what passes")?.as_deref() {
            Some("no") => Prehashed::No,
            Some("sha256") => Prehashed::Sha256,
            Some("sha256_or_md5") => Prehashed::Sha256OrMd5,
            other => return Err(unknown(other.unwrap_or("null"))),
        };
        let strict = matches!(&args.args[5], ColumnarValue::Scalar(ScalarValue::Boolean(Some(true))));
        let region = literal_text(&args.args[4], "the region")?.map(|default_region| RegionRule {
            column: None,
            default_region,
            strict,
        });
        let ColumnarValue::Scalar(ScalarValue::Int32(Some(this_year))) = &args.args[6] else {
            return Err(unknown("the year"));
        };
        let values = text(&args.args[0], args.number_rows)?;
        let countries = match &args.args[1] {
            ColumnarValue::Scalar(scalar) if scalar.is_null() => None,
            some => Some(text(some, args.number_rows)?),
        };
        let cleaner = Cleaner::new(normalisation, prehashed, region.as_ref(), *this_year);
        Ok(column(cleaner.column(&values, countries.as_ref())))
    }
}

/// The normalisation that a plan names as `Debug` prints it, such as `Email` or `TextUpTo(100)`.
fn normalisation_of(name: &str) -> Option<Normalisation> {
    use Normalisation as N;
    if let Some(length) = name.strip_prefix("TextUpTo(").and_then(|rest| rest.strip_suffix(')')) {
        return length.parse().ok().map(N::TextUpTo);
    }
    let plain = [
        N::None,
        N::Text,
        N::Email,
        N::EmailWithoutSpace,
        N::EmailStripAlias,
        N::Phone,
        N::PhoneDigits,
        N::PersonName,
        N::FirstInitial,
        N::State,
        N::City,
        N::PostalCode,
        N::Country,
        N::Birthdate,
        N::BirthYear,
        N::BirthMonth,
        N::BirthDay,
        N::Gender,
        N::MobileAdId,
        N::Latitude,
        N::Longitude,
    ];
    plain.into_iter().find(|one| format!("{one:?}") == name)
}
