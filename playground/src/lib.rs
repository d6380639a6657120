//! The post office's broker for a page: commands in, answers out, both JSON (see README.md beside this folder).
//!
//! What a broker does is the post office's part (`postoffice::simulation`); here are only the words for it:
//!
//! - `commands`: from an object to what a client says;
//! - `answers`: from what a client receives, and what happened, to objects;
//! - `values`: JSON's values and AMQP's;
//! - `exports`: what the page calls.

#![warn(missing_docs)]

mod answers;
mod commands;
mod exports;
mod fields;
mod values;

use postoffice::simulation::{Options, Simulation};
use serde_json::{Map, Value};

/// A broker that a page talks to.
pub struct Playground {
    simulation: Simulation,
}

impl Default for Playground {
    fn default() -> Self {
        Self { simulation: Simulation::new(Options::default()) }
    }
}

impl Playground {
    /// Does what a command says, or several in an array, and answers for all of them. It stops at the first that can't be
    /// done; `error` then says why, and `done` how many were.
    pub fn tell(&mut self, commands: &str) -> String {
        let (mut done, mut error, mut view) = (0, None, Value::Null);
        match serde_json::from_str(commands) {
            Err(problem) => error = Some(format!("this isn't JSON: {problem}")),
            Ok(commands) => {
                for command in as_list(commands) {
                    match self.run(command) {
                        Ok(None) => {}
                        Ok(Some(seen)) => view = seen,
                        Err(sentence) => {
                            error = Some(sentence);
                            break;
                        }
                    }
                    done += 1;
                }
            }
        }
        let mut answer = Map::new();
        answer.insert("done".into(), done.into());
        answer.insert("error".into(), error.into());
        answer.insert("now".into(), self.simulation.now().into());
        answer.insert("next".into(), self.simulation.next().into());
        let replies = self.simulation.take_replies();
        answer.insert("replies".into(), replies.iter().map(answers::reply).collect());
        let journal = self.simulation.take_journal();
        let journal = journal.iter().map(|(at, happening)| answers::happening(&self.simulation, *at, happening));
        answer.insert("journal".into(), journal.collect());
        if !view.is_null() {
            answer.insert("view".into(), view);
        }
        Value::Object(answer).to_string()
    }

    fn run(&mut self, command: Value) -> Result<Option<Value>, String> {
        let Value::Object(command) = command else {
            return Err(r#"a command is an object, such as {"do": "view"}"#.to_owned());
        };
        commands::run(&mut self.simulation, command)
    }
}

fn as_list(commands: Value) -> Vec<Value> {
    match commands {
        Value::Array(commands) => commands,
        command => vec![command],
    }
}
