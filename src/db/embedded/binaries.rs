//! Finds Postgres' programs where systems keep them.
//!
//! A cluster that exists decides the major version; a new one gets the newest. The version is read from the path where
//! the path says it (`/usr/lib/postgresql/15/bin`); only otherwise is `postgres --version` asked.

use std::ffi::OsStr;
use std::path::{Component, Path, PathBuf};
use std::process::{Command, Stdio};

use super::account::Account;
use super::{EmbeddedError, OLDEST_MAJOR, install};

/// A directory with `postgres` and `initdb` in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Binaries {
    dir: PathBuf,
    major: u32,
}

impl Binaries {
    /// The programs for a cluster of `wanted` version, or for a new one.
    pub(super) fn find(
        explicit: Option<&Path>,
        wanted: Option<u32>,
        account: Option<&Account>,
        cluster: &Path,
    ) -> Result<Self, EmbeddedError> {
        let found = match explicit {
            Some(dir) => vec![Self::in_chosen(dir, account)?],
            None => search(&places(Path::new("/"), std::env::var_os("PATH").as_deref()), account),
        };
        choose(found, wanted, cluster)
    }

    /// Path of `postgres`.
    pub(super) fn postgres(&self) -> PathBuf {
        self.dir.join("postgres")
    }

    /// Path of `initdb`.
    pub(super) fn initdb(&self) -> PathBuf {
        self.dir.join("initdb")
    }

    /// The directory somebody chose, which must serve.
    fn in_chosen(dir: &Path, account: Option<&Account>) -> Result<Self, EmbeddedError> {
        let unusable = |reason: String| EmbeddedError::UnusableBinaries { dir: dir.to_owned(), reason };
        let Some(found) = Self::in_dir(dir) else {
            return Err(unusable("it does not hold working `postgres` and `initdb` programs".to_owned()));
        };
        if found.major < OLDEST_MAJOR {
            return Err(unusable(format!(
                "it holds Postgres {}, and {OLDEST_MAJOR} is the oldest that works",
                found.major
            )));
        }
        match account.and_then(|account| Some((account, account.first_closed_dir(&found.dir)?))) {
            Some((account, closed)) => Err(unusable(format!(
                "Postgres refuses to run as root and user `{}` cannot enter `{}`",
                account.name,
                closed.display()
            ))),
            None => Ok(found),
        }
    }

    /// What a directory holds; links to the programs lead to the directory they are in, where their files are found.
    fn in_dir(dir: &Path) -> Option<Self> {
        let real = dir.join("postgres").canonicalize().ok()?;
        let real_dir = real.parent()?;
        if !real_dir.join("initdb").exists() {
            return None;
        }
        let major = major_in_path(dir).or_else(|| major_in_path(real_dir)).or_else(|| ask_major(&real))?;
        Some(Self { dir: real_dir.to_owned(), major })
    }
}

/// Every directory worth a look, the likeliest first.
fn places(root: &Path, path: Option<&OsStr>) -> Vec<PathBuf> {
    let mut places: Vec<PathBuf> = path.map(|path| std::env::split_paths(path).collect()).unwrap_or_default();
    let versioned = [
        ("usr/lib/postgresql", "", "bin"),          // Debian, Ubuntu
        ("usr", "pgsql-", "bin"),                   // the Postgres project's packages for Fedora and RHEL
        ("usr/lib", "postgresql", "bin"),           // openSUSE
        ("usr/libexec", "postgresql", ""),          // Alpine
        ("usr/lib64", "postgresql-", "bin"),        // Gentoo
        ("opt/homebrew/opt", "postgresql@", "bin"), // Homebrew on Apple silicon
        ("usr/local/opt", "postgresql@", "bin"),    // Homebrew on Intel
        ("home/linuxbrew/.linuxbrew/opt", "postgresql@", "bin"),
        ("Applications/Postgres.app/Contents/Versions", "", "bin"),
        ("Library/PostgreSQL", "", "bin"), // the EDB installer
    ];
    for (parent, prefix, below) in versioned {
        places.extend(numbered(&root.join(parent), prefix).into_iter().map(|dir| dir.join(below)));
    }
    let plain = [
        "usr/bin",
        "usr/local/bin",
        "usr/local/pgsql/bin",
        "usr/libexec/postgresql",
        "opt/homebrew/opt/postgresql/bin",
    ];
    places.extend(plain.map(|place| root.join(place)));
    places
}

/// The subdirectories called `prefix` and a number, highest first.
fn numbered(parent: &Path, prefix: &str) -> Vec<PathBuf> {
    let Ok(entries) = parent.read_dir() else {
        return Vec::new();
    };
    let mut found: Vec<(u32, PathBuf)> = entries
        .flatten()
        .filter_map(|entry| {
            let number = entry.file_name().to_str()?.strip_prefix(prefix)?.parse().ok()?;
            Some((number, entry.path()))
        })
        .collect();
    found.sort_by_key(|(number, _)| std::cmp::Reverse(*number));
    found.into_iter().map(|(_, path)| path).collect()
}

fn search(places: &[PathBuf], account: Option<&Account>) -> Vec<Binaries> {
    let mut found: Vec<Binaries> = Vec::new();
    for binaries in places.iter().filter_map(|place| Binaries::in_dir(place)) {
        let open = account.is_none_or(|account| account.first_closed_dir(&binaries.dir).is_none());
        if open && !found.contains(&binaries) {
            found.push(binaries);
        }
    }
    found
}

/// The one of the wanted version, else the newest; the first of equals.
fn choose(found: Vec<Binaries>, wanted: Option<u32>, cluster: &Path) -> Result<Binaries, EmbeddedError> {
    let mut usable: Vec<Binaries> = found.into_iter().filter(|binaries| binaries.major >= OLDEST_MAJOR).collect();
    if usable.is_empty() {
        return Err(EmbeddedError::NoBinaries { install: install::advice(wanted) });
    }
    // A stable sort keeps the order of the search among equals.
    usable.sort_by_key(|binaries| std::cmp::Reverse(binaries.major));
    let Some(wanted) = wanted else {
        return Ok(usable.swap_remove(0));
    };
    let mut majors: Vec<String> = usable.iter().map(|binaries| binaries.major.to_string()).collect();
    majors.dedup();
    usable.into_iter().find(|binaries| binaries.major == wanted).ok_or_else(|| EmbeddedError::WrongVersion {
        cluster: cluster.to_owned(),
        wanted,
        found: majors.join(" and "),
        install: install::advice(Some(wanted)),
    })
}

/// `…/postgresql/15/bin`, `…/pgsql-16/bin`, `…/postgresql@17/bin`, `…/Postgres.app/Contents/Versions/18/bin`.
fn major_in_path(dir: &Path) -> Option<u32> {
    let names: Vec<&str> = dir
        .components()
        .filter_map(|component| match component {
            Component::Normal(name) => name.to_str(),
            _ => None,
        })
        .collect();
    names.iter().enumerate().find_map(|(index, name)| {
        let parent = index.checked_sub(1).map(|index| names[index].to_ascii_lowercase());
        if matches!(parent.as_deref(), Some("postgresql" | "versions")) {
            return name.parse().ok();
        }
        let rest = name.strip_prefix("postgresql").or_else(|| name.strip_prefix("pgsql"))?;
        rest.strip_prefix(['@', '-']).unwrap_or(rest).parse().ok()
    })
}

/// Asks the program itself; it prints `postgres (PostgreSQL) 15.18 (Debian …)` or `… 19devel`.
fn ask_major(postgres: &Path) -> Option<u32> {
    let output = Command::new(postgres).arg("--version").stdin(Stdio::null()).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let version = text.strip_prefix("postgres (PostgreSQL) ")?;
    let digits = version.find(|character: char| !character.is_ascii_digit()).unwrap_or(version.len());
    version[..digits].parse().ok()
}

#[cfg(test)]
pub(super) mod tests {
    use std::fs;

    use super::*;

    /// Makes an executable shell script. Another process writes it: a program that is still open for writing in one
    /// that was just forked by a test beside this one cannot be executed.
    pub(in crate::db::embedded) fn write_script(path: &Path, script: &str) {
        let write = "printf '#!/bin/sh\\n%s\\n' \"$2\" > \"$1\" && chmod 755 \"$1\"";
        let status = Command::new("sh").args(["-c", write, "sh"]).arg(path).arg(script).status().unwrap();
        assert!(status.success());
    }

    /// Makes a directory with the two programs; `postgres` can say its version.
    fn install(root: &Path, dir: &str, version: &str) -> PathBuf {
        let dir = root.join(dir);
        fs::create_dir_all(&dir).unwrap();
        fs::write(dir.join("initdb"), "").unwrap();
        write_script(&dir.join("postgres"), &format!("echo 'postgres (PostgreSQL) {version}'"));
        dir
    }

    #[test]
    fn programs_are_found_where_systems_keep_them() {
        let check = |dir: &str, version: &str, expected: u32| {
            let root = tempfile::tempdir().unwrap();
            let dir = install(&root.path().canonicalize().unwrap(), dir, version);
            let found = search(&places(root.path(), None), None);
            assert_eq!(found, [Binaries { dir, major: expected }]);
        };
        check("usr/lib/postgresql/15/bin", "must not be asked", 15);
        check("usr/pgsql-16/bin", "must not be asked", 16);
        check("usr/lib/postgresql17/bin", "must not be asked", 17);
        check("usr/libexec/postgresql18", "must not be asked", 18);
        check("usr/lib64/postgresql-15/bin", "must not be asked", 15);
        check("opt/homebrew/opt/postgresql@17/bin", "must not be asked", 17);
        check("usr/local/opt/postgresql@16/bin", "must not be asked", 16);
        check("Applications/Postgres.app/Contents/Versions/18/bin", "must not be asked", 18);
        check("usr/bin", "15.18 (Debian 15.18-0+deb12u1)", 15);
        check("usr/local/pgsql/bin", "19devel", 19);
    }

    #[test]
    fn path_is_searched_first_and_links_are_followed() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let real = install(&root, "store/postgresql-and-more/bin", "16.4");
        let links = root.join("links");
        fs::create_dir(&links).unwrap();
        std::os::unix::fs::symlink(real.join("postgres"), links.join("postgres")).unwrap();
        install(&root, "usr/pgsql-16/bin", "");
        let found = search(&places(&root, Some(links.as_os_str())), None);
        assert_eq!(found[0], Binaries { dir: real, major: 16 });
        assert_eq!(found.len(), 2);
    }

    #[test]
    fn half_an_installation_is_not_found() {
        let root = tempfile::tempdir().unwrap();
        let dir = install(root.path(), "usr/lib/postgresql/15/bin", "15.1");
        fs::remove_file(dir.join("initdb")).unwrap();
        assert_eq!(search(&places(root.path(), None), None), []);
    }

    #[test]
    fn the_cluster_decides_the_version_and_a_new_one_gets_the_newest() {
        let found: Vec<Binaries> =
            [16, 14, 18, 15].map(|major| Binaries { dir: PathBuf::from(format!("/{major}")), major }).into();
        let check = |found: &[Binaries], wanted, expected: Result<u32, &str>| {
            let chosen = choose(found.to_vec(), wanted, Path::new("/data/postgres/cluster"));
            match (chosen, expected) {
                (Ok(chosen), Ok(expected)) => assert_eq!(chosen.major, expected),
                (Err(error), Err(expected)) => assert!(error.to_string().contains(expected), "{error}"),
                (chosen, expected) => panic!("{chosen:?} instead of {expected:?}"),
            }
        };
        check(&found, None, Ok(18));
        check(&found, Some(15), Ok(15));
        check(&found, Some(17), Err("belongs to Postgres 17, but only 18 and 16 and 15 is installed"));
        check(&found[1..2], None, Err("no Postgres 15 or newer was found"));
        check(&[], Some(15), Err("or set DATABASE_URL to a Postgres that runs already"));
    }

    #[test]
    fn a_chosen_directory_must_serve() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path().canonicalize().unwrap();
        let check = |dir: &Path, expected: &str| {
            let error = Binaries::find(Some(dir), None, None, Path::new("/cluster")).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check(&root.join("missing"), "does not hold working `postgres` and `initdb` programs");
        check(&install(&root, "mute", ""), "does not hold working");
        check(&install(&root, "old", "14.9"), "it holds Postgres 14, and 15 is the oldest that works");
        let good = install(&root, "good", "15.2");
        let found = Binaries::find(Some(&good), Some(15), None, Path::new("/cluster")).unwrap();
        assert_eq!((found.postgres(), found.initdb()), (good.join("postgres"), good.join("initdb")));
    }
}
