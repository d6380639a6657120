//! A RabbitMQ on this machine that nodes are started from: one that is installed, or one in a root folder of its own.
//! What a node does with it is in [`Node`](crate::Node).

use crate::{Error, Version};
use std::{
    collections::HashMap,
    env, fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    process::Command,
};

/// Where the packages of Debian and Fedora keep RabbitMQ's own scripts. What they have in `/usr/sbin` are wrappers that
/// change the user.
const PACKAGED_SCRIPTS: &str = "/usr/lib/rabbitmq/bin";

/// Where the folder of a node is mounted in a root.
const MOUNTED: &str = "/mnt";

/// RabbitMQ's scripts, and how they are run.
#[derive(Debug)]
pub(crate) struct Installation {
    /// The root that RabbitMQ sees as `/`, unless it is the machine's own.
    root: Option<PathBuf>,
    /// The folder of the scripts, as RabbitMQ sees it.
    scripts: PathBuf,
    pub version: Version,
}

impl Installation {
    /// The RabbitMQ in a root folder.
    pub fn in_root(root: &Path) -> Result<Self, Error> {
        let root = fs::canonicalize(root).map_err(|error| Error::BadRoot(root.to_owned(), error.to_string()))?;
        let scripts = root.join(PACKAGED_SCRIPTS.trim_start_matches('/'));
        let Some(version) = version(&scripts.join("rabbitmq-server")) else {
            return Err(Error::BadRoot(root, format!("no RabbitMQ in {PACKAGED_SCRIPTS}")));
        };
        if !version.is_new_enough() {
            return Err(Error::TooOld { found: version, place: root.display().to_string() });
        }
        let root = (root != Path::new("/")).then_some(root);
        let installation = Self { root, scripts: PACKAGED_SCRIPTS.into(), version };
        installation.try_to_enter()?;
        Ok(installation)
    }

    /// The RabbitMQ that is installed on the machine.
    pub fn installed() -> Result<Self, Error> {
        let packaged = Path::new(PACKAGED_SCRIPTS).join("rabbitmq-server");
        let server = if packaged.is_file() { Some(packaged) } else { on_path("rabbitmq-server") };
        let server = server.ok_or(Error::NotInstalled("rabbitmq-server"))?;
        let place = server.display().to_string();
        let version = version(&server).ok_or_else(|| Error::NoVersion(place.clone()))?;
        if !version.is_new_enough() {
            return Err(Error::TooOld { found: version, place });
        }
        on_path("epmd").ok_or(Error::NotInstalled("epmd (Erlang)"))?;
        Ok(Self { root: None, scripts: server.parent().unwrap_or(Path::new("/")).to_owned(), version })
    }

    /// What RabbitMQ calls the folder of a node.
    pub fn inner_folder<'a>(&self, folder: &'a Path) -> &'a Path {
        if self.root.is_some() { Path::new(MOUNTED) } else { folder }
    }

    /// The programs that RabbitMQ itself calls are looked up here.
    pub fn path(&self) -> String {
        match self.root {
            Some(_) => "/usr/sbin:/usr/bin:/sbin:/bin".into(),
            None => env::var("PATH").unwrap_or_default(),
        }
    }

    /// The command that runs a node's supervisor. The script calls RabbitMQ's programs with its own arguments in front.
    pub fn supervisor(&self, script: &str, folder: &Path, env: &HashMap<&str, String>) -> Command {
        let mut command = match &self.root {
            Some(_) => unshare(),
            None => Command::new("env"),
        };
        command.args(["sh", "-c", script, "supervisor"]).env_clear().envs(env);
        command.env("NODE_DIR", folder).env("SERVER", self.scripts.join("rabbitmq-server"));
        if let Some(root) = &self.root {
            command.arg("chroot").arg(root).env("ROOT", root).env("MOUNTED", MOUNTED);
        }
        command
    }

    /// A script of RabbitMQ's, for the node with this supervisor.
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

    /// Whether this user may have a mount namespace.
    fn try_to_enter(&self) -> Result<(), Error> {
        if self.root.is_none() {
            return Ok(());
        }
        match unshare().arg("true").output() {
            Ok(output) if output.status.success() => Ok(()),
            Ok(output) => Err(Error::NotPermitted(String::from_utf8_lossy(&output.stderr).trim().to_owned())),
            Err(_) => Err(Error::NotInstalled("unshare (util-linux)")),
        }
    }
}

/// Runs a program in a mount namespace of its own: what is mounted there is seen by nobody else, and unmounted with the
/// last process in it. Who isn't root gets a user namespace too.
fn unshare() -> Command {
    let mut command = Command::new("unshare");
    command.args(["--mount", "--propagation", "private"]);
    if !is_root() {
        command.arg("--map-root-user");
    }
    command
}

fn is_root() -> bool {
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// RabbitMQ's core is one of its plugins, and a plugin's folder (or archive) has the version in its name.
fn version(server: &Path) -> Option<Version> {
    let server = fs::canonicalize(server).ok()?;
    let plugins = fs::read_dir(server.parent()?.parent()?.join("plugins")).ok()?;
    let names = plugins.flatten().map(|plugin| plugin.file_name().to_string_lossy().into_owned());
    names.filter_map(|name| Version::parse(name.strip_prefix("rabbit-")?)).max()
}

fn on_path(program: &str) -> Option<PathBuf> {
    env::split_paths(&env::var_os("PATH")?).map(|dir| dir.join(program)).find(|file| file.is_file())
}
