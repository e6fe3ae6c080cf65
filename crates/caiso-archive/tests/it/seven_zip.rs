//! Archives written by 7-Zip.

use std::io;

use caiso_archive::seven_zip::{Archive, NotRead, detect};
use caiso_archive::{ArchiveError, Budget, Limits};

use crate::support::read_all;

fn contents(bytes: &[u8], limits: Limits) -> (Vec<(String, Vec<u8>)>, Vec<NotRead>) {
    let archive = Archive::read(bytes, &limits).unwrap();
    let mut contents = Vec::new();
    let failures = archive.read_each(&Budget::new(limits), |index, reader| {
        contents.push((archive.entries[index].name.clone(), read_all(reader)));
        Ok(())
    });
    (contents, failures)
}

fn a() -> (String, Vec<u8>) {
    ("a.txt".to_owned(), b"hello 7z\n".repeat(200))
}

fn b() -> (String, Vec<u8>) {
    ("b.bin".to_owned(), (0..=255).collect::<Vec<u8>>().repeat(8))
}

#[test]
fn content_is_read() {
    let lzma2 = include_bytes!("../fixtures/lzma2.7z");
    assert!(detect(lzma2));
    let (mut found, failures) = contents(lzma2, Limits::default());
    found.sort();
    assert_eq!(found, [a(), b(), ("d/c.txt".to_owned(), b"deep\n".to_vec())]);
    assert_eq!(failures, []);
    let archive = Archive::read(lzma2, &Limits::default()).unwrap();
    assert!(archive.entries.iter().any(|entry| entry.directory && entry.name == "d"));
    assert!(archive.trailing.is_empty());

    assert_eq!(
        contents(include_bytes!("../fixtures/copy.7z"), Limits::default()),
        (vec![a()], vec![])
    );
    let deflate = include_bytes!("../fixtures/deflate.7z");
    assert_eq!(contents(deflate, Limits::default()), (vec![a(), b()], vec![]));
    let longer = [&deflate[..], b"trailing"].concat();
    let archive = Archive::read(&longer, &Limits::default()).unwrap();
    assert_eq!(&longer[archive.trailing.clone()], b"trailing");
}

#[test]
fn what_cannot_be_read_says_why() {
    let limits = Limits::default();
    let bytes = include_bytes!("../fixtures/encrypted.7z");
    assert!(Archive::read(bytes, &limits).unwrap().entries[0].encrypted);
    let (found, failures) = contents(bytes, limits);
    assert_eq!(found, []);
    assert_eq!(failures[0].entries, 0..1);
    assert!(matches!(failures[0].error, ArchiveError::Encrypted(_)), "{failures:?}");

    let hidden = Archive::read(include_bytes!("../fixtures/encrypted-header.7z"), &limits);
    assert!(matches!(hidden, Err(ArchiveError::Encrypted(_))), "{hidden:?}");

    let (_, failures) = contents(include_bytes!("../fixtures/bzip2.7z"), limits);
    assert!(matches!(failures[0].error, ArchiveError::Unsupported(_)), "{failures:?}");

    let (_, failures) = contents(include_bytes!("../fixtures/dictionary.7z"), limits);
    assert!(
        matches!(failures[0].error, ArchiveError::Memory { needed: 2_147_483_648.., .. }),
        "{failures:?}"
    );
}

#[test]
fn budget_and_visitor_end_a_block() {
    let deflate = include_bytes!("../fixtures/deflate.7z");
    let limits = Limits { expanded_entry: 1_900, ..Limits::default() };
    let archive = Archive::read(deflate, &limits).unwrap();
    let mut read = Vec::new();
    let failures = archive.read_each(&Budget::new(limits), |index, reader| {
        io::copy(reader, &mut io::sink())?;
        read.push(index);
        Ok(())
    });
    assert_eq!(read, [0]);
    let error = ArchiveError::Expanded { limit: 1_900 };
    assert_eq!(failures, [NotRead { entries: 1..2, error }]);

    // What the visitor leaves is read under the budget too, and the next block is not lost.
    let failures = archive
        .read_each(&Budget::new(Limits::default()), |_, reader| reader.read_exact(&mut [0; 10]));
    assert_eq!(failures, []);

    let mut damaged = deflate.to_vec();
    damaged[40] ^= 0xff;
    let (found, failures) = {
        let archive = Archive::read(&damaged, &limits).unwrap();
        let mut found = Vec::new();
        let failures = archive.read_each(&Budget::new(Limits::default()), |index, reader| {
            let mut content = Vec::new();
            reader.read_to_end(&mut content)?;
            found.push(index);
            Ok(())
        });
        (found, failures)
    };
    assert_eq!(found, [1]);
    assert_eq!(failures[0].entries, 0..1);
}
