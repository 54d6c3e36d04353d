//! What to do on this system to get Postgres, as a clause for an error message.

use std::path::Path;

/// One package manager and its packages.
struct Manager {
    /// Where its program is.
    programs: &'static [&'static str],
    /// The command without `sudo`.
    command: &'static str,
    /// The packages; `{}` is the place of the major version.
    packages: &'static str,
    /// The packages of one major version.
    versioned: &'static str,
    /// Whether only root may call it.
    root: bool,
}

const MANAGERS: [Manager; 7] = [
    Manager {
        programs: &["opt/homebrew/bin/brew", "usr/local/bin/brew", "home/linuxbrew/.linuxbrew/bin/brew"],
        command: "brew install",
        packages: "postgresql@17",
        versioned: "postgresql@{}",
        root: false,
    },
    Manager {
        programs: &["usr/bin/apt-get"],
        command: "apt-get install",
        packages: "postgresql",
        versioned: "postgresql-{}",
        root: true,
    },
    Manager {
        programs: &["usr/bin/dnf", "usr/bin/microdnf"],
        command: "dnf install",
        packages: "postgresql-server postgresql-contrib",
        versioned: "postgresql{}-server postgresql{}-contrib",
        root: true,
    },
    Manager {
        programs: &["sbin/apk", "usr/sbin/apk", "usr/bin/apk"],
        command: "apk add",
        packages: "postgresql postgresql-contrib",
        versioned: "postgresql{} postgresql{}-contrib",
        root: true,
    },
    Manager {
        programs: &["usr/bin/pacman"],
        command: "pacman -S",
        packages: "postgresql",
        versioned: "postgresql",
        root: true,
    },
    Manager {
        programs: &["usr/bin/zypper"],
        command: "zypper install",
        packages: "postgresql-server postgresql-contrib",
        versioned: "postgresql{}-server postgresql{}-contrib",
        root: true,
    },
    Manager {
        programs: &["usr/bin/yum"],
        command: "yum install",
        packages: "postgresql-server postgresql-contrib",
        versioned: "postgresql{}-server postgresql{}-contrib",
        root: true,
    },
];

/// How to install Postgres here, of one major version when it matters.
pub(super) fn advice(major: Option<u32>) -> String {
    advice_below(Path::new("/"), rustix::process::geteuid().is_root(), major)
}

fn advice_below(root: &Path, is_root: bool, major: Option<u32>) -> String {
    // Homebrew is first, but on Linux the system's own manager is what people mean.
    let present = |manager: &&Manager| manager.programs.iter().any(|program| root.join(program).exists());
    let system = MANAGERS.iter().filter(|manager| manager.root).find(present);
    let Some(manager) = system.or_else(|| MANAGERS.iter().find(present)) else {
        return match major {
            Some(major) => format!("install PostgreSQL {major}"),
            None => "install PostgreSQL".to_owned(),
        };
    };
    let sudo = if manager.root && !is_root { "sudo " } else { "" };
    let packages = match major {
        Some(major) => manager.versioned.replace("{}", &major.to_string()),
        None => manager.packages.to_owned(),
    };
    format!("install it with `{sudo}{} {packages}`", manager.command)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_is_the_systems_own() {
        let check = |program: Option<&str>, is_root, major, expected: &str| {
            let root = tempfile::tempdir().unwrap();
            if let Some(program) = program {
                let path = root.path().join(program);
                std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                std::fs::write(path, "").unwrap();
            }
            assert_eq!(advice_below(root.path(), is_root, major), expected);
        };
        check(Some("usr/bin/apt-get"), true, None, "install it with `apt-get install postgresql`");
        check(Some("usr/bin/apt-get"), false, Some(16), "install it with `sudo apt-get install postgresql-16`");
        check(
            Some("usr/bin/dnf"),
            false,
            None,
            "install it with `sudo dnf install postgresql-server postgresql-contrib`",
        );
        check(Some("sbin/apk"), true, Some(15), "install it with `apk add postgresql15 postgresql15-contrib`");
        check(Some("usr/bin/pacman"), true, None, "install it with `pacman -S postgresql`");
        check(Some("opt/homebrew/bin/brew"), false, Some(16), "install it with `brew install postgresql@16`");
        check(None, false, None, "install PostgreSQL");
        check(None, false, Some(16), "install PostgreSQL 16");
    }
}
