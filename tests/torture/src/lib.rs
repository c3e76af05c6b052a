//! The torture messages of RFC 4475 and RFC 5118, and what each RFC demands of who gets them.

use std::path::{Path, PathBuf};

pub mod field;
mod rfc4475;
mod rfc5118;

pub use rfc4475::RFC4475;
pub use rfc5118::RFC5118;

/// One message and what is demanded of who gets it.
pub struct Row {
    /// As the RFC calls it; also the file's name.
    pub name: &'static str,
    /// Where the RFC speaks of it.
    pub section: &'static str,
    /// What the RFC demands, in short.
    pub demand: &'static str,
    /// Where the RFC leaves a choice: what we chose, and why.
    pub choice: &'static str,
    /// What a user agent makes of it.
    pub outcome: Outcome,
    /// What its fields say (see [`field::read`]); for a message that can be read.
    pub fields: &'static [(&'static str, &'static str)],
}

/// What a user agent makes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// An INVITE that reaches the layer above; a 100 goes out.
    Invited,
    /// Another request that reaches the layer above.
    Taken,
    /// A request that can be read and is answered with this status by the user agent itself.
    Answered(u16),
    /// A request that can't be read, and is refused with this status.
    Refused(u16),
    /// A 2xx to an INVITE: the call is on, and the ACK goes out.
    Accepted,
    /// A 100: no INVITE is sent again.
    Trying,
    /// A response that is read and yet no one's, though it answers what was asked.
    Ignored,
    /// No message: counted, and nothing else.
    Dropped,
}

/// A body of messages, an RFC's.
pub struct Corpus {
    /// The folder.
    pub folder: &'static str,
    /// The rows.
    pub rows: &'static [Row],
}

impl Corpus {
    fn path(&self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join(self.folder)
    }

    /// The names of the files, in order.
    pub fn files(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.path()).expect("the folder is there");
        let mut names: Vec<_> = entries
            .map(|entry| {
                let name = entry.expect("it can be listed").file_name();
                let name = name.to_string_lossy();
                name.strip_suffix(".dat").expect("a .dat file").to_owned()
            })
            .collect();
        names.sort();
        names
    }

    /// The bytes of a row's message.
    pub fn bytes(&self, row: &Row) -> Vec<u8> {
        let path = self.path().join(row.name).with_extension("dat");
        std::fs::read(path).expect("every row has a file")
    }
}
