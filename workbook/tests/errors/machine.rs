//! A machine of its own for a scene: Linux gives a process a network and a view of the files that no other has.

use crate::stage;
use std::{env, process::Command};

/// An address of that machine that isn't its loopback; the range is reserved for documentation (RFC 5737).
pub const ADDRESS: std::net::Ipv4Addr = std::net::Ipv4Addr::new(192, 0, 2, 1);

/// Gives the machine its address, and lets it know the names in /etc/hosts and no others.
const PREPARE: &str = r#"
ip link set lo up && ip addr add 192.0.2.1/32 dev lo &&
names=$(mktemp) && echo 'hosts: files' >"$names" && mount --bind "$names" /etc/nsswitch.conf && rm "$names"
"#;

/// Set for a test that has arrived on its own machine.
const ARRIVED: &str = "SCENE_HAS_ITS_OWN_MACHINE";

/// `Some` on a machine of its own. Elsewhere it runs the test with this name there, and gives `None` when that has
/// passed, or, said on stderr, where no such machine can be had.
#[track_caller]
pub fn of_its_own(test: &str) -> Option<()> {
    if env::var_os(ARRIVED).is_some() {
        return Some(());
    }
    let on_it = |then: &str| {
        let mut unshare = Command::new("unshare");
        unshare.args(["--map-root-user", "--net", "--mount", "sh", "-c", &format!("({PREPARE}) && {then}")]);
        unshare
    };
    let failure = match on_it("true").output() {
        Ok(output) if output.status.success() => None,
        Ok(output) => Some(String::from_utf8_lossy(&output.stderr).into_owned()),
        Err(error) => Some(error.to_string()),
    };
    if let Some(failure) = failure {
        rabbitmq_node::skip(format_args!("{test} needs a network namespace (unshare, ip): {}", failure.trim()));
        return None;
    }
    stage::listing_program("send"); // built here, where cargo may need the network
    let mut run = on_it(r#"exec "$0" --exact "$1" --nocapture"#);
    let status = run.arg(env::current_exe().unwrap()).arg(test).env(ARRIVED, "1").status().unwrap();
    assert!(status.success(), "on a machine of its own, `{test}` failed; its words stand above");
    None
}
