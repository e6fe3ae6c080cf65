//! Disks and folders that refuse. A clock that was set back is tested in caiso-store, where the
//! clock is passed in; a test cannot set the machine's.
#![cfg(unix)]
#![expect(clippy::print_stdout, reason = "a test that cannot run here says why")]

use std::process::Command;

use crate::system::{CAISO, Run, System};

#[test]
fn a_home_that_cannot_be_made() {
    let system = System::new();
    // Below a regular file no folder can be made, by root neither.
    for home in ["caiso.yaml", "caiso.yaml/home", "/dev/null/home"] {
        system.caiso(&["assess", "-q", "--home", home]).expect(2).says(&[home]);
        system.caiso(&["ledger", "verify", "--home", home]).expect(2).says(&[home]);
    }
}

#[test]
fn a_home_that_is_read_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let system = System::new();
    let home = system.path("closed");
    std::fs::create_dir(&home).unwrap();
    let allow =
        |mode| std::fs::set_permissions(&home, std::fs::Permissions::from_mode(mode)).unwrap();
    allow(0o555);
    let run = system.caiso(&["assess", "-q", "--home", "closed"]);
    allow(0o755);
    if run.status == Some(1) {
        println!("skipped: this user may write to a read-only folder");
        return;
    }
    run.expect(2).says(&["closed"]);
}

#[test]
fn an_output_that_cannot_be_written() {
    let system = System::new();
    system.caiso(&["assess", "-q", "-o", "html=none/r.html"]).expect(2).says(&["none/r.html"]);
    system.ledger_is_fine();
}

/// A limit on the size of files stops writes as a full disk does, and needs no privilege.
#[test]
fn a_disk_that_takes_no_more() {
    let system = System::assessed();
    for blocks in [0, 1, 64, 400, 1000, 2000] {
        let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec '{CAISO}' assess -q --fresh");
        let mut command = Command::new("sh");
        command.args(["-c", &script]).current_dir(system.path("")).env_clear();
        let run = Run::of(&command.output().unwrap());
        assert!(!run.err.contains("panicked"), "{blocks}: {}", run.err);
        if run.status != Some(2) {
            assert_eq!(run.status, Some(1), "{blocks}: {run:?}");
            continue;
        }
        assert!(run.err.starts_with("error: "), "{blocks}: {}", run.err);
        system.ledger_is_fine();
    }
    let size = system.records().len();
    system.assess(&["--fresh"], 1);
    assert!(system.records().len() > size);
    system.ledger_is_fine();
}

#[test]
fn a_full_disk() {
    let system = System::new();
    std::fs::create_dir(system.path("disk")).unwrap();
    // A small file system of our own, seen by this script only.
    let script = format!(
        "mount -t tmpfs -o size=4m none disk || {{ echo unmounted; exit 0; }}
         '{CAISO}' assess -q --home disk/home >first.txt; echo first $?
         dd if=/dev/zero of=disk/filler bs=4096 2>dd.txt
         '{CAISO}' assess -q --fresh --home disk/home >second.txt; echo second $?
         rm disk/filler
         '{CAISO}' ledger verify --home disk/home; echo verify $?
         '{CAISO}' assess -q --fresh --home disk/home >third.txt; echo third $?
         '{CAISO}' ledger verify --home disk/home; echo verify $?"
    );
    let mut command = Command::new("unshare");
    command.args(["-rm", "sh", "-c", &script]).current_dir(system.path(""));
    let Ok(output) = command.output() else {
        println!("skipped: there is no `unshare`");
        return;
    };
    let run = Run::of(&output);
    if run.out.contains("unmounted") || !run.out.contains("first") {
        println!("skipped: no file system can be mounted here: {}", run.err);
        return;
    }
    let statuses: Vec<&str> = run.out.lines().filter(|line| line.split(' ').count() == 2).collect();
    assert_eq!(statuses, ["first 1", "second 2", "verify 0", "third 1", "verify 0"], "{run:?}");
    assert!(run.err.contains("error: ") && !run.err.contains("panicked"), "{}", run.err);
}
