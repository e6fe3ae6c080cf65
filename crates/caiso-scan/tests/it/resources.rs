//! The files of a model as a signature lists them.

use std::fs;
use std::os::unix::fs::symlink;

use caiso_scan::{ResourcesError, resources};
use caiso_signing::Serialization;

#[test]
fn everything_but_the_signature_and_what_git_keeps_is_listed() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::create_dir_all(path("sub/.git")).unwrap();
    fs::create_dir(path(".git")).unwrap();
    for name in [".git/HEAD", ".gitignore", "sub/.git/x", "sub/b", "a", "model.sig"] {
        fs::write(path(name), name).unwrap();
    }
    let found =
        resources(folder.path(), &Serialization::default(), &[path("model.sig")], &|_| ()).unwrap();
    let mut names: Vec<&str> = found.iter().map(|resource| resource.name.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["a", "sub/.git/x", "sub/b"]);
    let single = resources(&path("a"), &Serialization::default(), &[], &|_| ()).unwrap();
    assert_eq!(single[0].name, ".");
}

#[test]
fn links_are_refused_unless_they_are_allowed() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("a"), "a").unwrap();
    symlink("a", folder.path().join("b")).unwrap();
    let refused = resources(folder.path(), &Serialization::default(), &[], &|_| ());
    assert!(matches!(refused, Err(ResourcesError::Refused { .. })), "{refused:?}");
    let followed = Serialization { allow_symlinks: true, ..Serialization::default() };
    assert_eq!(resources(folder.path(), &followed, &[], &|_| ()).unwrap().len(), 2);
}
