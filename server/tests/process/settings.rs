//! Where settings come from, and which of them count.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::harness::{Process, agent, logscope, produce, text};

/// A directory with a file of settings in it.
struct Place(tempfile::TempDir);

impl Place {
    fn new(settings: &str) -> Self {
        let place = Self(tempfile::tempdir().unwrap());
        fs::write(place.file(), settings).unwrap();
        place
    }

    fn file(&self) -> String {
        self.0.path().join("logscope.toml").to_str().unwrap().to_owned()
    }

    /// `serve` with that file.
    fn serve(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Command {
        let data = self.0.path().join("data").to_str().unwrap().to_owned();
        let file = self.file();
        let mut all = vec!["serve", "--config", &file, "--data-dir", &data];
        if !arguments.contains(&"--listen") {
            all.extend(["--listen", "127.0.0.1:0"]);
        }
        all.extend(arguments);
        let mut command = logscope(&all);
        command.envs(environment.iter().copied());
        command
    }
}

/// A broker that is up, and where it is.
fn start(mut command: Command) -> (Process, String) {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut process = Process(command.spawn().unwrap());
    let mut line = String::new();
    process.stdout().read_line(&mut line).unwrap();
    let url = line.trim_end().trim_end_matches('/').rsplit_once(' ').map(|(_, url)| url.to_owned());
    match url {
        Some(url) => (process, url),
        None => panic!("{line:?}: {}", process.stderr()),
    }
}

/// What a new topic's log goes by.
fn config(url: &str, key: &str) -> String {
    let agent = agent();
    produce(&agent, url, &json!({"topic": "t", "payload": "x"})).unwrap();
    let answer = agent.get(format!("{url}/topics/t/partitions/0/events")).call().unwrap();
    let lines = BufReader::new(answer.into_body().into_reader()).lines();
    let data = lines.map(Result::unwrap).find_map(|line| line.strip_prefix("data: ").map(str::to_owned));
    let snapshot: Value = serde_json::from_str(&data.unwrap()).unwrap();
    snapshot["configs"][key].as_str().unwrap().to_owned()
}

#[test]
fn a_flag_counts_more_than_the_environment_and_that_more_than_the_file() {
    let file = "topic-default.retention.ms = 1000\nsegment-bytes = 1000\nlog-format = \"json\"\n";
    let (env, flag) =
        (&[("LOGSCOPE_TOPIC_DEFAULT", "retention.ms=2000 segment.bytes=2000")][..], "retention.ms=3000");
    for (arguments, environment, retention, segment) in [
        (&[][..], &[][..], "1000", "1000"),
        (&[], env, "2000", "2000"),
        (&["--topic-default", flag], env, "3000", "2000"),
        (&["--topic-default", flag, "--segment-bytes", "3000"], env, "3000", "3000"),
        (&["--segment-bytes", "3000"], &[("LOGSCOPE_SEGMENT_BYTES", "2000")], "1000", "3000"),
    ] {
        let place = Place::new(file);
        let (_process, url) = start(place.serve(arguments, environment));
        assert_eq!(config(&url, "retention.ms"), retention, "{arguments:?} {environment:?}");
        assert_eq!(config(&url, "segment.bytes"), segment, "{arguments:?} {environment:?}");
    }
}

#[test]
fn every_option_can_stand_in_each_of_the_three() {
    let by_file = Place::new("max-message-bytes = 2000\nmax-topics = 1\ntoken = \"of-file\"\n");
    let environment = [("LOGSCOPE_TOKEN", "of-env"), ("LOGSCOPE_MAX_TOPICS", "2")];
    for (arguments, environment, token, topics) in [
        (&[][..], &[][..], "of-file", 1),
        (&[], &environment, "of-env", 2),
        (&["--token", "of-flag", "--max-topics", "3"], &environment, "of-flag", 3),
    ] {
        let place = Place::new(&fs::read_to_string(by_file.file()).unwrap());
        let (_process, url) = start(place.serve(arguments, environment));
        let agent = agent();
        let produce = |topic: usize| {
            let request =
                agent.post(format!("{url}/produce")).header("authorization", format!("Bearer {token}"));
            let body = json!({"topic": format!("t{topic}"), "payload": "x"});
            request.send(body.to_string()).unwrap().status().as_u16()
        };
        let statuses: Vec<_> = (0..=topics).map(produce).collect();
        assert!(statuses[..topics].iter().all(|status| *status == 200), "{token}: {statuses:?}");
        assert_eq!(statuses[topics], 400, "one topic too many");
    }
}

#[test]
fn what_is_wrong_is_said_in_one_line_and_by_name() {
    for (settings, fragment) in [
        ("listn = 1", "there is no setting \"listn\""),
        ("config = \"x\"", "there is no setting \"config\""),
        ("help = true", "there is no setting \"help\""),
        ("max-topics = \"many\"", "invalid value 'many' for '--max-topics <N>'"),
        ("max-topics = 1.5", "max-topics takes no float"),
        ("max-topics = [1, 2]", "max-topics takes no array"),
        ("header-timeout-ms = 0", "'--header-timeout-ms <MS>'"),
        ("num-partitions = 0", "'--num-partitions <N>'"),
        ("max-topics = 0", "invalid value '0' for '--max-topics <N>': 0 is not in 1.."),
        ("max-partitions = 0", "invalid value '0' for '--max-partitions <N>': 0 is not in 1.."),
        ("max-connections = 0", "invalid value '0' for '--max-connections <N>': 0 is not in 1.."),
        ("max-headers = 0", "invalid value '0' for '--max-headers <N>': 0 is not in 1..=10000"),
        ("max-headers = 10001", "invalid value '10001' for '--max-headers <N>'"),
        ("max-header-bytes = 8191", "'--max-header-bytes <N>': 8191 is not in 8192.."),
        ("insecure = \"maybe\"", "invalid value 'maybe' for '--insecure'"),
        ("cors-origin = [\"http://a/path\"]", "an origin looks like"),
        ("topic-default = 1", "topic-default takes a table"),
        ("topic-default.foo.bar = 1", "there is no config \"foo.bar\""),
        ("topic-default.segment.bytes = 1", "segment.bytes takes a whole number from 61"),
        ("segment-bytes = 1", "segment.bytes takes a whole number from 61"),
        ("a = 1\nb = [", "line 2:"),
        ("token = \"a b\"", "a token is at least one character"),
        ("token = \"a\"\ntoken-file = \"b\"", "one of them is enough"),
        ("token-file = \"/there/is/none\"", "/there/is/none"),
        ("log-level = \"loud\"", "invalid value 'loud' for '--log-level <LEVEL>'"),
    ] {
        assert_refused(&Place::new(settings).serve(&[], &[]).output().unwrap(), 1, fragment);
    }
    let place = Place::new("");
    let missing = place.0.path().join("none.toml");
    let missing = missing.to_str().unwrap();
    assert_refused(&logscope(&["serve", "--config", missing]).output().unwrap(), 1, missing);
    for (name, value, code, fragment) in [
        ("LOGSCOPE_MAX_TOPICS", "many", 2, "--max-topics"),
        (
            "LOGSCOPE_TOPIC_DEFAULT",
            "segment.bytes",
            1,
            "LOGSCOPE_TOPIC_DEFAULT: \"segment.bytes\" is no KEY=VALUE",
        ),
        ("LOGSCOPE_SEGMENT_BYTES", "1", 1, "LOGSCOPE_SEGMENT_BYTES: segment.bytes takes"),
        ("LOGSCOPE_TOKEN", "", 1, "a token is at least one character"),
    ] {
        assert_refused(&place.serve(&[], &[(name, value)]).output().unwrap(), code, fragment);
    }
    let flag = place.serve(&["--topic-default", "foo=1"], &[]).output().unwrap();
    assert_refused(&flag, 2, "there is no config \"foo\"");
}

fn assert_refused(output: &Output, code: i32, fragment: &str) {
    let stderr = text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{fragment}: {stderr}");
    let (said, others): (Vec<_>, Vec<_>) = stderr.lines().partition(|line| line.contains(fragment));
    assert_eq!(said.len(), 1, "{fragment:?}: {stderr}");
    // What clap says itself ends with where help is.
    assert!(code == 2 || others.is_empty(), "{fragment:?}: {stderr}");
}

#[test]
fn an_address_that_others_reach_takes_a_token_or_courage() {
    let place = Place::new("");
    let open = ["--listen", "0.0.0.0:0"];
    assert_refused(&place.serve(&open, &[]).output().unwrap(), 1, "can be reached from other machines");

    let (mut process, _) = start(place.serve(&["--listen", "0.0.0.0:0", "--insecure"], &[]));
    process.terminate();
    assert!(process.wait().success());
    let stderr = process.stderr();
    assert!(stderr.contains("WARN INSECURE: everyone who can reach 0.0.0.0:0"), "{stderr}");

    let token = place.0.path().join("token");
    fs::write(&token, "s3cret\n").unwrap();
    let arguments =
        ["--listen", "0.0.0.0:0", "--token-file", token.to_str().unwrap(), "--allow-host", "broker.lan"];
    let (mut process, url) = start(place.serve(&arguments, &[]));
    let port = url.rsplit_once(':').unwrap().1;
    let ask = |host: &str, token: &str| {
        let request = agent().get(format!("http://127.0.0.1:{port}/metrics"));
        let request = request.header("host", host).header("authorization", format!("Bearer {token}"));
        request.call().unwrap().status().as_u16()
    };
    assert_eq!(ask("broker.lan", "s3cret"), 200);
    assert_eq!(ask("broker.lan", "s3cre"), 401);
    assert_eq!(ask("other.lan", "s3cret"), 403);
    process.terminate();
    process.wait();
    let stderr = process.stderr();
    assert!(!stderr.contains("s3cret") && !stderr.contains("WARN"), "{stderr}");
}

#[test]
fn logs_are_text_or_json_and_as_much_as_is_asked_for() {
    let logs = |arguments: &[&str]| {
        let place = Place::new("");
        let (mut process, url) = start(place.serve(arguments, &[]));
        produce(&agent(), &url, &json!({"topic": "t", "payload": "x"})).unwrap();
        process.terminate();
        process.wait();
        process.stderr()
    };
    let json = logs(&["--log-format", "json"]);
    assert!(json.lines().count() >= 2, "{json}");
    for line in json.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        assert!(
            line["level"] == "INFO" && line["message"].is_string() && line["timestamp"].is_string(),
            "{line}"
        );
    }
    let created = json.lines().find(|line| line.contains("created with 1 partition\"")).unwrap();
    let created: Value = serde_json::from_str(created).unwrap();
    assert_eq!(created["topic"], "t", "what it is about stands beside the message");
    assert!(logs(&[]).contains(" INFO the data is open: 0 partitions of 0 topics in "));
    assert_eq!(logs(&["--log-level", "warn"]), "");
}

#[test]
fn the_help_names_the_variables_and_hides_the_token() {
    let mut help = logscope(&["serve", "--help"]);
    let output = help.env("LOGSCOPE_TOKEN", "s3cret").output().unwrap();
    let help = text(&output.stdout);
    assert!(help.contains("[env: LOGSCOPE_TOKEN]") && !help.contains("s3cret"), "{help}");
    assert!(help.contains("[env: LOGSCOPE_MAX_CONNECTIONS=]") && help.contains("[default: 4096]"), "{help}");
}
