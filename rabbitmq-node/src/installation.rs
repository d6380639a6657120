//! A RabbitMQ on this machine that nodes are started from: one that is installed, or one in a root folder of its own.
//! What a node is made of is in [`Node`](crate::Node).

use crate::{Error, Version};
use std::{
    collections::HashMap,
    env,
    fmt::{self, Display},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

/// Where the packages of Debian and Fedora have RabbitMQ's own scripts; those in `/usr/sbin` are wrappers that change
/// the user.
const PACKAGED_SCRIPTS: &str = "/usr/lib/rabbitmq/bin";

/// Where a node in a root finds its folder.
const MOUNTED: &str = "/mnt";

/// RabbitMQ's scripts, and how they are run.
#[derive(Debug)]
pub(crate) struct Installation {
    /// The folder that RabbitMQ has as `/`, unless that is the machine's.
    root: Option<PathBuf>,
    /// The folder of the scripts, as RabbitMQ has it.
    scripts: PathBuf,
    pub version: Version,
}

impl Installation {
    /// The RabbitMQ in a root folder.
    pub fn in_root(root: &Path) -> Result<Self, Error> {
        let root = fs::canonicalize(root).map_err(|_| Error::NotInstalled("rabbitmq-server"))?;
        if root == Path::new("/") {
            return Self::installed();
        }
        let server = root.join(PACKAGED_SCRIPTS.trim_start_matches('/')).join("rabbitmq-server");
        let version = new_enough(&server)?;
        let installation = Self { root: Some(root), scripts: PACKAGED_SCRIPTS.into(), version };
        match unshare().arg("true").output() {
            Ok(output) if output.status.success() => Ok(installation),
            Ok(output) => Err(Error::NotPermitted(String::from_utf8_lossy(&output.stderr).trim().to_owned())),
            Err(error) => Err(Error::NotPermitted(format!("unshare: {error}"))),
        }
    }

    /// The RabbitMQ that is installed on the machine.
    pub fn installed() -> Result<Self, Error> {
        let packaged = Path::new(PACKAGED_SCRIPTS).join("rabbitmq-server");
        let server = if packaged.is_file() { packaged } else { on_path("rabbitmq-server")? };
        let version = new_enough(&server)?;
        on_path("epmd")?;
        Ok(Self { root: None, scripts: server.parent().expect("a file is in a folder").to_owned(), version })
    }

    /// What RabbitMQ has as the folder of its node.
    pub fn inner_folder<'a>(&self, folder: &'a Path) -> &'a Path {
        if self.root.is_some() { Path::new(MOUNTED) } else { folder }
    }

    /// Where RabbitMQ's scripts find other programs.
    pub fn path(&self) -> String {
        match self.root {
            Some(_) => "/usr/sbin:/usr/bin:/sbin:/bin".to_owned(),
            None => env::var("PATH").unwrap_or_default(),
        }
    }

    /// The command that supervises a node: a shell script, whose arguments are what it puts in front of the programs
    /// of RabbitMQ. In a root it has a mount namespace of its own.
    pub fn supervisor(&self, script: &str, folder: &Path, env: &HashMap<&str, String>) -> Command {
        let mut command = match self.root {
            Some(_) => unshare(),
            None => Command::new("env"), // as unshare does, it becomes the program that follows
        };
        command.args(["sh", "-c", script, "supervisor"]).env_clear().envs(env);
        command.env("NODE_DIR", folder).env("SERVER", self.scripts.join("rabbitmq-server"));
        if let Some(root) = &self.root {
            command.arg("chroot").arg(root).env("ROOT", root).env("MOUNTED", MOUNTED);
        }
        command
    }

    /// A script of RabbitMQ's for the node that this process supervises.
    pub fn script(&self, name: &str, supervisor: u32, env: &HashMap<&str, String>) -> Command {
        let script = self.scripts.join(name);
        let mut command = match &self.root {
            Some(root) => {
                let mut command = Command::new("nsenter");
                command.args(["--mount", "--target", &supervisor.to_string()]);
                if !is_root() {
                    command.args(["--user", "--preserve-credentials"]);
                }
                command.arg("chroot").arg(root).arg(script);
                command
            }
            None => Command::new(script),
        };
        command.env_clear().envs(env);
        command
    }
}

impl Display for Installation {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        self.root.as_ref().unwrap_or(&self.scripts).display().fmt(f)
    }
}

/// Runs a program in a mount namespace of its own: nobody else sees what is mounted there, and it is unmounted with the
/// last process that has it. Who isn't root may do that in a user namespace.
fn unshare() -> Command {
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private"]);
    if !is_root() {
        command.arg("--map-root-user");
    }
    command
}

fn is_root() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ids = status.lines().find_map(|line| line.strip_prefix("Uid:"));
    ids.and_then(|ids| ids.split_whitespace().nth(1)) == Some("0") // the second is the effective one
}

/// The version of a server, which has to be new enough.
fn new_enough(server: &Path) -> Result<Version, Error> {
    let place = || server.display().to_string();
    let script = fs::canonicalize(server).map_err(|_| Error::NotInstalled("rabbitmq-server"))?;
    let found = version(&script).ok_or_else(|| Error::NoVersion(place()))?;
    if found.is_new_enough() { Ok(found) } else { Err(Error::TooOld { found, place: place() }) }
}

/// RabbitMQ's core is among its plugins, which have versions in their names. `rabbitmqctl version` would take a second
/// each time.
fn version(script: &Path) -> Option<Version> {
    let plugins = fs::read_dir(script.parent()?.parent()?.join("plugins")).ok()?;
    let names = plugins.flatten().map(|plugin| plugin.file_name().to_string_lossy().into_owned());
    names.filter_map(|name| Version::parse(name.strip_prefix("rabbit-")?)).max()
}

fn on_path(program: &'static str) -> Result<PathBuf, Error> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut files = env::split_paths(&path).map(|dir| dir.join(program));
    files.find(|file| file.is_file()).ok_or(Error::NotInstalled(program))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder as RabbitMQ's archive unpacks to.
    fn unpacked(version: &str) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        for name in ["rabbit", "rabbit_common", "rabbitmq_management"] {
            fs::create_dir_all(folder.path().join(format!("plugins/{name}-{version}"))).unwrap();
        }
        let server = folder.path().join("sbin/rabbitmq-server");
        fs::create_dir(server.parent().unwrap()).unwrap();
        fs::write(&server, "").unwrap();
        (folder, server)
    }

    #[test]
    fn a_server_that_is_new_enough_is_taken() {
        let (_folder, server) = unpacked("4.10.1");
        assert_eq!(new_enough(&server).unwrap().to_string(), "4.10.1");
    }

    #[test]
    fn an_older_server_is_refused_with_what_is_needed_and_how_to_get_it() {
        let (_folder, server) = unpacked("3.10.8");
        let told = new_enough(&server).unwrap_err().to_string();
        let expected = format!(
            "{} is RabbitMQ 3.10.8, and 4.3 or newer is needed \
             (`rabbitmq-node/make-root DIR` makes a folder with a new one for RABBITMQ_ROOT)",
            server.display()
        );
        assert_eq!(told, expected);
    }

    #[test]
    fn a_server_without_its_plugins_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let server = folder.path().join("rabbitmq-server");
        assert!(matches!(new_enough(&server), Err(Error::NotInstalled("rabbitmq-server"))));
        fs::write(&server, "").unwrap();
        assert!(matches!(new_enough(&server), Err(Error::NoVersion(_))));
    }
}
