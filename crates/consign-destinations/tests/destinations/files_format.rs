//! The bytes of files.

#![allow(clippy::unwrap_used, reason = "a test ends where what it stands on is missing")]

use std::io::Read;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringViewArray};
use arrow::compute::concat_batches;
use arrow::datatypes::DataType;
use consign_destinations::files::format::{FormatError, KeyProblem};
use consign_destinations::files::{FileWriter, Recipient};
use consign_model::definition::{Compression, FileFormat, FileOptions, LineEnding, Quote};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use pgp::composed::{
    EncryptionCaps, KeyType, Message, SecretKeyParamsBuilder, SignedPublicKey, SignedSecretKey, SubkeyParamsBuilder,
};
use pgp::crypto::ecc_curve::ECCCurve;
use pgp::types::Password;
use proptest::prelude::*;
use rand::rngs::OsRng;

use crate::files_rows::{attributes, batch, names, numbered, people, text, written, written_text};

fn options(format: FileFormat) -> FileOptions {
    FileOptions { format, ..FileOptions::default() }
}

#[test]
fn csv_is_as_in_rfc_4180_with_iso_dates_and_shortest_numbers() {
    let csv = written_text(&options(FileFormat::Csv), &attributes(), &[people()]);
    insta::assert_debug_snapshot!(csv.split_inclusive('\n').collect::<Vec<_>>());
}

#[test]
fn tsv_psv_and_own_delimiters_quote_what_holds_theirs() {
    let rows = batch(vec![("a", text(&[Some("tab\there"), Some("a|b")])), ("b", text(&[Some("x;y"), Some("p,q")]))]);
    let columns = names(&["a", "b"]);
    let of = |options: &FileOptions| written_text(options, &columns, std::slice::from_ref(&rows));
    assert_eq!(of(&options(FileFormat::Tsv)), "a\tb\n\"tab\there\"\tx;y\na|b\tp,q\n");
    assert_eq!(of(&options(FileFormat::Psv)), "a|b\ntab\there|x;y\n\"a|b\"|p,q\n");
    let semicolon = FileOptions { delimiter: Some(';'), ..options(FileFormat::Delimited) };
    assert_eq!(of(&semicolon), "a;b\ntab\there;\"x;y\"\na|b;p,q\n");
}

#[test]
fn header_quotes_and_line_ends_are_as_the_options_say() {
    let rows = batch(vec![("a", text(&[Some("1"), None])), ("b", text(&[Some("x\"y"), Some("")]))]);
    let options =
        FileOptions { header: false, quote: Quote::Always, line_ending: LineEnding::Crlf, ..FileOptions::default() };
    assert_eq!(written_text(&options, &names(&["b", "a"]), &[rows]), "\"x\"\"y\",\"1\"\r\n\"\",\"\"\r\n");
}

#[test]
fn formulas_are_escaped_in_text_and_numbers_stay_numbers() {
    let rows = batch(vec![
        ("=note", text(&["=1+1", "+44", "-x", "@a", "\tb", "\rc", "d=1", "'"].map(Some))),
        ("n", Arc::new(arrow::array::Int32Array::from_iter_values(-4..4))),
    ]);
    let options = FileOptions { escape_formulas: true, ..FileOptions::default() };
    assert_eq!(
        written_text(&options, &names(&["=note", "n"]), &[rows]),
        "'=note,n\n'=1+1,-4\n'+44,-3\n'-x,-2\n'@a,-1\n'\tb,0\n\"'\rc\",1\nd=1,2\n',3\n"
    );
}

#[test]
fn the_one_empty_field_of_a_line_is_quoted_since_readers_skip_empty_lines() {
    let rows = batch(vec![("a", text(&[Some("x"), None, Some(""), Some("y")]))]);
    assert_eq!(written_text(&FileOptions::default(), &names(&["a"]), &[rows]), "a\nx\n\"\"\n\"\"\ny\n");
}

#[test]
fn json_lines_leave_missing_values_out() {
    insta::assert_snapshot!(written_text(&options(FileFormat::JsonLines), &attributes(), &[people()]));
}

#[test]
fn parquet_keeps_types_and_nulls_and_reads_back() {
    let bytes = written(&options(FileFormat::Parquet), &attributes(), &[people(), people()], None);
    let read = read_parquet(bytes);
    assert_eq!(read.num_rows(), 6);
    let names: Vec<_> = read.schema().fields().iter().map(|field| field.name().clone()).collect();
    assert_eq!(names, attributes());
    assert_eq!(read.column(0).as_string::<i32>().value(3), "zoe@example.com");
    assert_eq!(read.column(0).null_count(), 2);
    assert_eq!(read.column(5).data_type(), &DataType::Date32);
    assert_eq!(read.column(8).as_string::<i32>().value(1), "silver");
}

#[test]
fn parquet_of_a_list_without_batches_has_its_columns_as_text() {
    let read = read_parquet(written(&options(FileFormat::Parquet), &attributes(), &[], None));
    assert_eq!((read.num_rows(), read.num_columns()), (0, attributes().len()));
}

fn read_parquet(bytes: Vec<u8>) -> RecordBatch {
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(bytes)).unwrap().build().unwrap();
    let schema = arrow::array::RecordBatchReader::schema(&reader);
    concat_batches(&schema, &reader.collect::<Result<Vec<_>, _>>().unwrap()).unwrap()
}

#[test]
fn what_is_not_an_attribute_is_not_written_and_a_missing_one_is_an_error() {
    let csv = written_text(&FileOptions::default(), &names(&["orders", "email"]), &[people()]);
    assert_eq!(csv, "orders,email\n3,zoe@example.com\n-1,ann@example.com\n,\n");
    for format in [FileFormat::Csv, FileFormat::JsonLines, FileFormat::Parquet] {
        let mut writer = FileWriter::new(&options(format), &names(&["phone"]), "list", None).unwrap();
        assert!(writer.write(&people()).unwrap_err().to_string().contains("`phone`"));
    }
    let none = FileWriter::new(&FileOptions::default(), &[], "list", None).err().unwrap();
    assert!(matches!(none, FormatError::NoColumns));
}

#[test]
fn compressed_files_hold_what_plain_ones_do_and_are_the_same_each_time() {
    let rows = numbered(30_000);
    let id = names(&["id"]);
    let plain = written(&FileOptions::default(), &id, &rows, None);
    for compression in [Compression::Gzip, Compression::Zstd, Compression::Zip] {
        let options = FileOptions { compression, ..FileOptions::default() };
        let compressed = written(&options, &id, &rows, None);
        assert_eq!(compressed, written(&options, &id, &rows, None), "{compression:?}");
        assert!(compressed.len() < plain.len(), "{compression:?}");
        assert!(decompressed(compression, &compressed) == plain, "{compression:?}");
    }
}

#[test]
fn gzip_has_no_time_and_zip_one_entry_named_after_the_file() {
    let gzip = FileOptions { compression: Compression::Gzip, ..FileOptions::default() };
    assert_eq!(written(&gzip, &attributes(), &[people()], None)[4..8], [0; 4]);
    let zip = FileOptions { compression: Compression::Zip, ..FileOptions::default() };
    let archive = zip::ZipArchive::new(std::io::Cursor::new(written(&zip, &attributes(), &[people()], None)));
    assert_eq!(archive.unwrap().file_names().map(Result::unwrap).collect::<Vec<_>>(), ["list.csv"]);
}

fn decompressed(compression: Compression, bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    match compression {
        Compression::None => plain.extend_from_slice(bytes),
        Compression::Gzip => drop(flate2::read::GzDecoder::new(bytes).read_to_end(&mut plain).unwrap()),
        Compression::Zstd => plain = zstd::decode_all(bytes).unwrap(),
        Compression::Zip => {
            let mut archive = zip::ZipArchive::new(std::io::Cursor::new(bytes)).unwrap();
            archive.by_index(0).unwrap().read_to_end(&mut plain).unwrap();
        }
    }
    plain
}

/// A key that is thrown away, with a subkey that encrypts where asked.
pub fn throw_away_key(encrypts: bool) -> SignedSecretKey {
    let mut key = SecretKeyParamsBuilder::default();
    key.key_type(KeyType::Ed25519Legacy).can_certify(true).can_sign(true);
    key.primary_user_id("Lists <lists@example.com>".into());
    if encrypts {
        let subkey = SubkeyParamsBuilder::default()
            .key_type(KeyType::ECDH(ECCCurve::Curve25519Legacy))
            .can_encrypt(EncryptionCaps::All)
            .build()
            .unwrap();
        key.subkey(subkey);
    }
    key.build().unwrap().generate(OsRng).unwrap()
}

pub fn armored(key: &SignedSecretKey) -> String {
    SignedPublicKey::from(key.clone()).to_armored_string(Option::default().into()).unwrap()
}

#[test]
fn what_is_encrypted_is_read_with_the_private_key_alone() {
    let key = throw_away_key(true);
    let recipient = Recipient::read(&armored(&key)).unwrap();
    let options = FileOptions { compression: Compression::Gzip, ..FileOptions::default() };
    // Many chunks, few, and none at all.
    for rows in [200_000, 1, 0] {
        let rows = numbered(rows);
        let id = names(&["id"]);
        let encrypted = written(&options, &id, &rows, Some(&recipient));
        let mut message = Message::from_bytes(&encrypted[..]).unwrap().decrypt(&Password::empty(), &key).unwrap();
        let plain = message.as_data_vec().unwrap();
        assert!(plain == written(&options, &id, &rows, None));
        let other = throw_away_key(true);
        assert!(Message::from_bytes(&encrypted[..]).unwrap().decrypt(&Password::empty(), &other).is_err());
    }
}

#[test]
fn a_file_that_is_given_up_ends_its_encryption_too() {
    let recipient = Recipient::read(&armored(&throw_away_key(true))).unwrap();
    let mut writer = FileWriter::new(&FileOptions::default(), &names(&["id"]), "list.csv", Some(&recipient)).unwrap();
    for rows in numbered(20_000) {
        writer.write(&rows).unwrap();
    }
    // Would wait for ever for a thread that waits for more.
    drop(writer);
}

#[test]
fn keys_that_cannot_be_used_say_why() {
    let problem = |text: &str| Recipient::read(text).unwrap_err();
    assert_eq!(problem("not a key"), KeyProblem::NotAKey);
    assert_eq!(problem(""), KeyProblem::NotAKey);
    assert_eq!(problem(&armored(&throw_away_key(false))), KeyProblem::CannotEncrypt);
}

fn any_field() -> impl Strategy<Value = Option<String>> {
    let special = proptest::sample::select(vec![
        "\"", ",", ";", "|", "\t", "\n", "\r", "\r\n", " ", "'", "\u{feff}", "=", "é", "🦀", "",
    ]);
    let nasty = proptest::collection::vec(special, 0..6).prop_map(|parts| parts.concat());
    proptest::option::of(prop_oneof![any::<String>(), nasty])
}

proptest! {
    #[test]
    fn any_text_is_read_back_by_another_reader(
        rows in proptest::collection::vec(proptest::collection::vec(any_field(), 3), 0..20),
        width in 1_usize..=3,
        header in any::<bool>(),
        always in any::<bool>(),
        crlf in any::<bool>(),
        format in proptest::sample::select(vec![FileFormat::Csv, FileFormat::Tsv, FileFormat::Psv, FileFormat::Delimited]),
        delimiter in proptest::sample::select(vec![';', ' ', '~', '\'']),
    ) {
        let columns = &["a", "b\u{feff},\"", "c c"][..width];
        let array = |i: usize| Arc::new(rows.iter().map(|row| row[i].as_deref()).collect::<StringViewArray>()) as ArrayRef;
        let rows_in = batch(columns.iter().enumerate().map(|(i, name)| (*name, array(i))).collect());
        let options = FileOptions {
            format,
            delimiter: (format == FileFormat::Delimited).then_some(delimiter),
            header,
            quote: if always { Quote::Always } else { Quote::WhereNeeded },
            line_ending: if crlf { LineEnding::Crlf } else { LineEnding::Lf },
            ..FileOptions::default()
        };
        let bytes = written(&options, &names(columns), &[rows_in], None);
        let delimiter = match format {
            FileFormat::Tsv => b'\t',
            FileFormat::Psv => b'|',
            FileFormat::Delimited => u8::try_from(delimiter).unwrap(),
            _ => b',',
        };
        let mut reader = csv::ReaderBuilder::new().has_headers(false).delimiter(delimiter).from_reader(&bytes[..]);
        let read: Vec<Vec<String>> =
            reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect();
        let mut expected: Vec<Vec<String>> = Vec::new();
        if header {
            expected.push(columns.iter().map(|&name| name.to_owned()).collect());
        }
        expected.extend(rows.iter().map(|row| row[..width].iter().map(|field| field.clone().unwrap_or_default()).collect()));
        prop_assert_eq!(read, expected);
    }
}
