//! A client that was written with nothing but the two routes in mind.

use std::process::Command;

use crate::harness::Broker;

#[test]
fn a_node_client_needs_only_the_two_routes() {
    let node = Command::new("node").arg("--version").output();
    if !node.is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: there is no node");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path());
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/node_client.mjs");
    let output = Command::new("node").arg(script).arg(&broker.url).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
