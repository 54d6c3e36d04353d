//! The user Postgres runs as. Postgres refuses root, so a server that is root gives it another user's id.
//!
//! The owner of an existing cluster wins, then a named owner of the data directory, then the system's `postgres`, then
//! `nobody`. Names come from `/etc/passwd` only: what other directories hold cannot be asked without unsafe calls, and
//! system users are in that file.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::EmbeddedError;
use super::layout::Layout;

/// What most systems give `nobody`, for those that have no such line.
const NOBODY: u32 = 65534;

/// An unprivileged user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Account {
    /// User id.
    pub(super) uid: u32,
    /// Primary group id; the only group Postgres gets.
    pub(super) gid: u32,
    /// Name, or the number where it has none.
    pub(super) name: String,
}

impl Account {
    /// The user to become, or `None` when the server is not root and Postgres can simply run as the same user.
    pub(super) fn needed(layout: &Layout) -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            return None;
        }
        let passwd = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let owner = |path: &Path| fs::metadata(path).ok().map(|metadata| (metadata.uid(), metadata.gid()));
        Some(Self::choose(&passwd, owner(&layout.cluster()), owner(layout.data_dir())))
    }

    fn choose(passwd: &str, cluster_owner: Option<(u32, u32)>, data_owner: Option<(u32, u32)>) -> Self {
        let accounts: Vec<Self> = passwd.lines().filter_map(Self::parse).collect();
        let by_uid = |uid: u32| accounts.iter().find(|account| account.uid == uid && uid != 0).cloned();
        let by_name = |name: &str| accounts.iter().find(|account| account.name == name).cloned();
        let numbered = |(uid, gid): (u32, u32)| (uid != 0).then(|| Self { uid, gid, name: uid.to_string() });
        cluster_owner
            .and_then(|owner| by_uid(owner.0).or_else(|| numbered(owner)))
            // `initdb` wants a name, so a number without one only counts for a cluster that exists.
            .or_else(|| data_owner.and_then(|owner| by_uid(owner.0)))
            .or_else(|| by_name("postgres"))
            .or_else(|| by_name("nobody"))
            .unwrap_or(Self { uid: NOBODY, gid: NOBODY, name: NOBODY.to_string() })
    }

    fn parse(line: &str) -> Option<Self> {
        let mut fields = line.split(':');
        let name = fields.next()?.to_owned();
        let uid = fields.nth(1)?.parse().ok()?;
        let gid = fields.next()?.parse().ok()?;
        Some(Self { uid, gid, name })
    }

    /// Makes this user the owner of a file.
    pub(super) fn own(&self, path: &Path) -> Result<(), EmbeddedError> {
        let owned = std::os::unix::fs::lchown(path, Some(self.uid), Some(self.gid));
        owned.map_err(EmbeddedError::files("change the owner of", path))
    }

    /// The first directory on the way into `dir` that this user cannot pass, judged by the mode bits.
    pub(super) fn first_closed_dir(&self, dir: &Path) -> Option<PathBuf> {
        let mut way: Vec<&Path> = dir.ancestors().filter(|ancestor| !ancestor.as_os_str().is_empty()).collect();
        way.reverse();
        way.into_iter().find(|ancestor| !self.may_enter(ancestor)).map(Path::to_owned)
    }

    fn may_enter(&self, dir: &Path) -> bool {
        let Ok(metadata) = fs::metadata(dir) else { return false };
        let shift = if metadata.uid() == self.uid {
            6
        } else if metadata.gid() == self.gid {
            3
        } else {
            0
        };
        (metadata.mode() >> shift) & 0o1 != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\n# a comment\nbroken:x:no\nnobody:x:65534:65533::/:/bin/false\n\
                          alice:x:1000:1001::/home/alice:/bin/sh\n";

    #[test]
    fn the_user_is_chosen_by_who_owns_what() {
        let postgres = format!("{PASSWD}postgres:x:101:104::/var/lib/postgresql:/bin/sh\n");
        let root = Some((0, 0));
        let check = |passwd: &str, cluster, data, expected: &str| {
            assert_eq!(Account::choose(passwd, cluster, data).name, expected, "{cluster:?} {data:?}");
        };
        check(&postgres, None, root, "postgres");
        check(&postgres, root, root, "postgres");
        check(&postgres, None, Some((1000, 5)), "alice");
        check(&postgres, Some((101, 104)), Some((1000, 5)), "postgres");
        check(&postgres, Some((7777, 8)), root, "7777");
        check(&postgres, None, Some((7777, 8)), "postgres");
        check(PASSWD, None, root, "nobody");
        check("", None, root, "65534");
        assert_eq!(Account::choose(PASSWD, None, Some((1000, 5))).gid, 1001);
    }

    #[test]
    fn a_closed_directory_on_the_way_is_named() {
        use std::os::unix::fs::PermissionsExt as _;
        let top = tempfile::tempdir().unwrap();
        let inner = top.path().join("closed/inner");
        fs::create_dir_all(&inner).unwrap();
        for dir in [top.path(), &inner] {
            fs::set_permissions(dir, fs::Permissions::from_mode(0o755)).unwrap();
        }
        let metadata = fs::metadata(&inner).unwrap();
        let closed = top.path().join("closed");
        let check = |mode, uid, gid, expected: Option<&Path>| {
            fs::set_permissions(&closed, fs::Permissions::from_mode(mode)).unwrap();
            let account = Account { uid, gid, name: String::new() };
            assert_eq!(account.first_closed_dir(&inner).as_deref(), expected, "{mode:o} {uid} {gid}");
        };
        let (uid, gid) = (metadata.uid(), metadata.gid());
        check(0o755, uid + 1, gid + 1, None);
        check(0o700, uid + 1, gid + 1, Some(&closed));
        check(0o700, uid, gid + 1, None);
        check(0o710, uid + 1, gid, None);
        check(0o077, uid, gid, Some(&closed));
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o755)).unwrap();
    }
}
