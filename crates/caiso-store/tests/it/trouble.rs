use std::path::Path;

use caiso_store::{Store, StoreError};

use crate::common::{
    assert_sound, at, child, clock, entry, evidence, open, this_program, told_home,
};

fn refused(result: Result<Store, StoreError>) -> StoreError {
    match result {
        Ok(_) => panic!("opened"),
        Err(error) => error,
    }
}

#[test]
fn a_second_writer_is_refused_by_the_number_of_the_first() {
    let home = tempfile::tempdir().unwrap();
    let store = open(home.path());
    let error = refused(Store::open(home.path(), clock()));
    let pid = std::process::id();
    assert!(matches!(error, StoreError::Locked { pid: Some(found), .. } if found == pid));
    let output = child(&this_program(), "trouble::open_and_report", home.path()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains(&format!("is in use by process {pid}")), "{text}");
    assert!(text.contains("read 1 records"), "readers are not kept out: {text}");
    drop(store);
    let output = child(&this_program(), "trouble::open_and_report", home.path()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("wrote record 1"), "{text}");
}

/// Opens the home it is told, appends, reads, and prints how that went.
#[test]
#[ignore = "runs only as a child process of other tests"]
#[expect(clippy::print_stdout, reason = "the parent reads it")]
fn open_and_report() {
    let Some(home) = told_home() else { return };
    match Store::open(&home, clock()).and_then(|store| store.append(entry(1))) {
        Ok(sealed) => println!("wrote record {}", sealed.seq),
        Err(error) => println!("not written: {error}"),
    }
    match Store::open_read_only(&home)
        .and_then(|store| Ok((store.verify(None)?.passed(), store.size()?)))
    {
        Ok((true, size)) => println!("read {size} records"),
        Ok((false, _)) => println!("damaged"),
        Err(error) => println!("not read: {error}"),
    }
}

#[test]
fn a_clock_set_back_is_refused_and_the_ledger_goes_on_when_it_is_right() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open(home.path(), at("2026-11-25T10:00:00Z")).unwrap();
    store.append(entry(1)).unwrap();
    drop(store);
    let store = Store::open(home.path(), at("2026-11-25T09:59:59.999Z")).unwrap();
    let error = store.append(evidence(2)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the clock was set back: it shows 2026-11-25T09:59:59.999Z, the last record is of \
         2026-11-25T10:00:00.000Z; nothing was recorded, correct the clock"
    );
    assert_eq!(store.size().unwrap(), 2);
    assert!(store.cached_evidence("key-2").unwrap().is_none());
    assert_sound(&store);
    drop(store);
    let store = Store::open(home.path(), at("2026-11-25T10:00:00Z")).unwrap();
    store.append(entry(2)).unwrap();
    assert_sound(&store);
}

/// Appends until it is refused; the refusal must leave everything sound.
fn fill(store: &Store) -> u64 {
    let mut number = 1;
    let error = loop {
        match store.append_batch((0..100).map(|i| evidence(number * 100 + i)).collect()) {
            Ok(_) => number += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(error, StoreError::Full { .. }), "{error:?}");
    assert!(error.to_string().contains("caiso.db: nothing was recorded"), "{error}");
    assert_eq!(store.size().unwrap(), 1 + (number - 1) * 100);
    assert!(store.cached_evidence(&format!("key-{}", number * 100)).unwrap().is_none());
    assert_sound(store);
    number
}

#[test]
fn a_full_database_is_refused_and_the_ledger_stays_sound() {
    let home = tempfile::tempdir().unwrap();
    let store = Store::open_with_limit(home.path(), clock(), 1 << 20).unwrap();
    let number = fill(&store);
    assert!(number > 3);
    assert!(matches!(
        store.append_batch((0..100).map(entry).collect()).unwrap_err(),
        StoreError::Full { .. }
    ));
    drop(store);
    let store = open(home.path());
    store.append_batch((0..100).map(entry).collect()).unwrap();
    assert_sound(&store);
}

/// A file system of 3 MB, where the tests may mount one.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_refused_and_the_ledger_stays_sound() {
    struct Mounted(tempfile::TempDir);
    impl Drop for Mounted {
        fn drop(&mut self) {
            let _ = std::process::Command::new("umount").arg(self.0.path()).output();
        }
    }
    let disk = tempfile::tempdir().unwrap();
    let mounted = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=3m", "tmpfs"])
        .arg(disk.path())
        .output();
    // Only root can; elsewhere the limit of the database stands for the disk, see above.
    if mounted.is_ok_and(|output| output.status.success()) {
        let disk = Mounted(disk);
        let home = disk.0.path().join("home");
        let store = open(&home);
        fill(&store);
        drop(store);
        // A disk without a single byte left can still be read.
        let ballast = disk.0.path().join("ballast");
        let _ = std::fs::write(&ballast, vec![0; 4 << 20]);
        assert_sound(&Store::open_read_only(&home).unwrap());
        std::fs::remove_file(&ballast).unwrap();
    }
}

/// Makes everything below read-only, or writable again.
#[cfg(unix)]
fn set_writable(folder: &Path, writable: bool) {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = |mode| std::fs::Permissions::from_mode(mode);
    for file in std::fs::read_dir(folder).unwrap().flatten() {
        if file.file_type().unwrap().is_dir() {
            set_writable(&file.path(), writable);
        } else {
            std::fs::set_permissions(file.path(), mode(if writable { 0o644 } else { 0o444 }))
                .unwrap();
        }
    }
    std::fs::set_permissions(folder, mode(if writable { 0o755 } else { 0o555 })).unwrap();
}

#[cfg(unix)]
#[test]
fn a_read_only_home_can_be_read_and_verified_but_not_written() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    use std::os::unix::process::CommandExt as _;
    let folder = tempfile::tempdir().unwrap();
    let world = |path: &Path| {
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).unwrap();
    };
    world(folder.path());
    // The name has what must be escaped in a URI.
    let home = folder.path().join("home 100%?#");
    open(&home).append(entry(1)).unwrap();
    set_writable(&home, false);

    // Permissions do not bind root, so a child runs as nobody, from a copy that nobody can reach.
    let program = folder.path().join("program");
    std::fs::copy(this_program(), &program).unwrap();
    world(&program);
    let mut command = child(&program, "trouble::open_and_report", &home);
    if folder.path().metadata().unwrap().uid() == 0 {
        command.uid(65534).gid(65534);
    }
    let output = command.current_dir("/").output().unwrap();
    set_writable(&home, true);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.contains("not written: ") && text.contains("read-only for this user"), "{text}");
    assert!(text.contains("read 2 records"), "{text}");
}

#[test]
fn a_home_without_a_ledger_is_named() {
    let home = tempfile::tempdir().unwrap();
    let error = refused(Store::open_read_only(home.path()));
    assert!(matches!(error, StoreError::NoLedger { .. }), "{error}");
    let error = refused(Store::open_read_only(&home.path().join("absent")));
    assert!(error.to_string().contains("there is no ledger in"), "{error}");
    std::fs::write(home.path().join("file"), "x").unwrap();
    let error = refused(Store::open(&home.path().join("file"), clock()));
    assert!(matches!(error, StoreError::File { .. }), "{error}");
}

#[test]
fn other_files_in_its_place_are_refused() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("caiso.db");
    std::fs::write(&path, "not a database at all, but long enough to be taken for one".repeat(30))
        .unwrap();
    let error = refused(Store::open(home.path(), clock()));
    assert!(error.to_string().contains("it is not an SQLite database"), "{error}");

    std::fs::remove_file(&path).unwrap();
    rusqlite::Connection::open(&path).unwrap().execute_batch("CREATE TABLE recipes (a)").unwrap();
    let error = refused(Store::open(home.path(), clock()));
    assert!(error.to_string().contains("another program's database"), "{error}");

    std::fs::remove_file(&path).unwrap();
    drop(open(home.path()));
    rusqlite::Connection::open(&path).unwrap().execute_batch("PRAGMA user_version = 2").unwrap();
    for error in
        [refused(Store::open(home.path(), clock())), refused(Store::open_read_only(home.path()))]
    {
        assert!(
            error.to_string().contains("it has version 2, this program knows version 1"),
            "{error}"
        );
    }
}

#[test]
fn a_lost_or_foreign_key_stops_writing() {
    let home = tempfile::tempdir().unwrap();
    drop(open(home.path()));
    let other = tempfile::tempdir().unwrap();
    drop(open(other.path()));
    let secret = home.path().join("keys/ledger.ed25519");
    let public = home.path().join("keys/ledger.vkey");
    let kept = std::fs::read(&secret).unwrap();

    // The public half comes back by itself.
    std::fs::remove_file(&public).unwrap();
    assert_sound(&open(home.path()));

    std::fs::remove_file(&secret).unwrap();
    let error = refused(Store::open(home.path(), clock()));
    assert!(error.to_string().contains("ledger.ed25519"), "{error}");
    assert!(!secret.try_exists().unwrap(), "no new key for an old log");
    assert_sound(&Store::open_read_only(home.path()).unwrap());

    std::fs::write(&secret, "PRIVATE+KEY+nonsense").unwrap();
    let error = refused(Store::open(home.path(), clock()));
    assert!(matches!(error, StoreError::WrongKey { .. }), "{error}");

    std::fs::copy(other.path().join("keys/ledger.ed25519"), &secret).unwrap();
    let error = refused(Store::open(home.path(), clock()));
    assert!(error.to_string().contains("not the public half of"), "{error}");
    std::fs::copy(other.path().join("keys/ledger.vkey"), &public).unwrap();
    let error = refused(Store::open(home.path(), clock()));
    assert!(error.to_string().contains("the last checkpoint"), "{error}");

    std::fs::write(&secret, kept).unwrap();
    std::fs::remove_file(&public).unwrap();
    assert_sound(&open(home.path()));
}
