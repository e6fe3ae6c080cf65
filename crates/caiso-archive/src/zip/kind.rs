/// What two readers of an archive may see differently, or what hides bytes from them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum AnomalyKind {
    /// Central directory and local header name the entry differently.
    Names,
    /// They name different sizes, or a stored entry has two sizes.
    Sizes,
    /// They name different methods.
    Methods,
    /// They name different checksums.
    Checksums,
    /// They differ in flags, or a flag is set that most readers do not know.
    Flags,
    /// A flag calls the entry, or the directory, encrypted.
    Encrypted,
    /// Two entries of one directory have the same name.
    DuplicateName,
    /// Two names are equal on file systems that fold case or know two separators.
    FoldedName,
    /// An extra field renames the entry for some readers.
    UnicodePath,
    /// The entry is in no central directory.
    OnlyLocal,
    /// There is no local header where the central directory says.
    OnlyCentral,
    /// The entry shares bytes with another one or with a directory.
    Overlap,
    /// The archive starts with bytes of no entry.
    Prefix,
    /// Bytes between entries belong to none.
    Gap,
    /// Bytes follow the end record and its comment.
    Trailing,
    /// The archive or an entry has a comment.
    Comment,
    /// The name leads out of the folder it is unpacked into.
    PathTraversal,
    /// The entry is a symbolic link.
    Symlink,
    /// The entry is a device, pipe or socket.
    Special,
    /// There is more than one end record or place for a central directory.
    SeveralDirectories,
    /// There is no end record.
    NoDirectory,
    /// Count or size of the central directory differ from what is there.
    DirectoryMismatch,
    /// The archive is said to continue in other files.
    Spanned,
    /// No reader here expands the method.
    UnsupportedMethod,
    /// Data or records end beyond the archive.
    Truncated,
    /// More entries than allowed: the others are not listed.
    TooManyEntries,
}
