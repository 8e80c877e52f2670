//! What cleaning and hashing cost on a column of 100,000 rows.

use std::hint::black_box;

use arrow::array::StringViewArray;
use consign_model::plan::{Prehashed, RegionRule};
use consign_model::spec::{Hash, Normalisation};
use consign_normalise::{Cleaner, hash_column};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const ROWS: usize = 100_000;

fn column(value: impl Fn(usize) -> String) -> StringViewArray {
    (0..ROWS).map(|row| Some(value(row))).collect()
}

fn columns(criterion: &mut Criterion) {
    let region = RegionRule { column: None, default_region: "US".to_owned(), strict: false };
    let clean_emails = column(|row| format!("person.{row}@example.com"));
    let cases = [
        ("email, clean", Normalisation::Email, clean_emails.clone()),
        ("email, upper case", Normalisation::Email, column(|row| format!("Person.{row}@Example.com "))),
        ("email, accents", Normalisation::Email, column(|row| format!("Émilie.{row}@example.com"))),
        ("phone, US", Normalisation::Phone, column(|row| format!("(206) 55{}-{:04}", row % 10, row % 10_000))),
        ("phone, GB", Normalisation::Phone, column(|row| format!("+44 20 7946 {:04}", row % 10_000))),
        ("name", Normalisation::PersonName, column(|row| format!("Mary-Ann O'Brien {row}"))),
        ("country", Normalisation::Country, column(|_| "United Kingdom".to_owned())),
    ];
    let mut group = criterion.benchmark_group("clean");
    group.throughput(Throughput::Elements(ROWS as u64)).sample_size(10);
    for (name, normalisation, values) in &cases {
        let cleaner = Cleaner::new(*normalisation, Prehashed::Sha256, Some(&region), 2026);
        group.bench_function(*name, |bencher| bencher.iter(|| cleaner.column(black_box(values), None)));
    }
    group.finish();

    let mut group = criterion.benchmark_group("hash");
    group.throughput(Throughput::Elements(ROWS as u64)).sample_size(10);
    group.bench_function("sha256", |bencher| {
        bencher.iter(|| hash_column(black_box(&clean_emails), Hash::Sha256));
    });
    group.finish();
}

criterion_group!(benches, columns);
criterion_main!(benches);
