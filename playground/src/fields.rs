//! The fields of a command: each is asked for by name and type, and what nobody asked for is a mistake.

use crate::values;
use amq_protocol::types::{FieldTable, ShortString};
use serde_json::{Map, Value};

/// What a command says.
pub(crate) struct Fields {
    /// What it is, for errors.
    what: String,
    left: Map<String, Value>,
    known: Vec<&'static str>,
}

impl Fields {
    pub(crate) fn new(what: &str, left: Map<String, Value>) -> Self {
        Self { what: what.to_owned(), left, known: Vec::new() }
    }

    /// A field if it is there; `null` is as if it weren't.
    fn take(&mut self, name: &'static str) -> Option<Value> {
        self.known.push(name);
        self.left.remove(name).filter(|value| !value.is_null())
    }

    fn wrong(&self, name: &str, wanted: &str, value: &Value) -> String {
        format!("'{name}' of {} has to be {wanted}, and is {value}", self.what)
    }

    /// A text; empty where it isn't given.
    pub(crate) fn text(&mut self, name: &'static str) -> Result<String, String> {
        match self.take(name) {
            None => Ok(String::new()),
            Some(Value::String(text)) => Ok(text),
            Some(other) => Err(self.wrong(name, "a text", &other)),
        }
    }

    /// A text that has to be there.
    pub(crate) fn needed(&mut self, name: &'static str) -> Result<String, String> {
        match self.text(name)? {
            text if text.is_empty() => Err(format!("{} needs '{name}'", self.what)),
            text => Ok(text),
        }
    }

    /// A text of at most 255 bytes, as names in AMQP are.
    pub(crate) fn name(&mut self, name: &'static str) -> Result<ShortString, String> {
        let text = self.text(name)?;
        values::short(&text).map_err(|problem| format!("'{name}' of {}: {problem}", self.what))
    }

    /// The same where it may be missing.
    pub(crate) fn optional_name(&mut self, name: &'static str) -> Result<Option<ShortString>, String> {
        match self.left.get(name) {
            None | Some(Value::Null) => {
                self.take(name);
                Ok(None)
            }
            Some(_) => self.name(name).map(Some),
        }
    }

    /// A number of at most `most`, if it is there.
    pub(crate) fn number(&mut self, name: &'static str, most: u64) -> Result<Option<u64>, String> {
        match self.take(name) {
            None => Ok(None),
            Some(value) => match value.as_u64().filter(|&number| number <= most) {
                Some(number) => Ok(Some(number)),
                None => Err(self.wrong(name, &format!("a whole number from 0 to {most}"), &value)),
            },
        }
    }

    /// The same where it has to be there.
    pub(crate) fn needed_number(&mut self, name: &'static str, most: u64) -> Result<u64, String> {
        self.number(name, most)?.ok_or_else(|| format!("{} needs '{name}'", self.what))
    }

    /// Yes or no; no where it isn't said.
    pub(crate) fn flag(&mut self, name: &'static str) -> Result<bool, String> {
        Ok(self.optional_flag(name)?.unwrap_or(false))
    }

    /// Yes or no, if it is said.
    pub(crate) fn optional_flag(&mut self, name: &'static str) -> Result<Option<bool>, String> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(flag)),
            Some(other) => Err(self.wrong(name, "true or false", &other)),
        }
    }

    /// A table; none where it isn't given.
    pub(crate) fn optional_table(&mut self, name: &'static str) -> Result<Option<FieldTable>, String> {
        match self.take(name) {
            None => Ok(None),
            Some(Value::Object(table)) => {
                let table = values::table(table).map_err(|problem| format!("'{name}' of {}: {problem}", self.what))?;
                Ok(Some(table))
            }
            Some(other) => Err(self.wrong(name, "an object", &other)),
        }
    }

    /// A table; an empty one where it isn't given.
    pub(crate) fn table(&mut self, name: &'static str) -> Result<FieldTable, String> {
        Ok(self.optional_table(name)?.unwrap_or_default())
    }

    /// The fields of an object in this one; none where it isn't given.
    pub(crate) fn object(&mut self, name: &'static str) -> Result<Self, String> {
        let what = format!("'{name}' of {}", self.what);
        match self.take(name) {
            None => Ok(Self::new(&what, Map::new())),
            Some(Value::Object(fields)) => Ok(Self::new(&what, fields)),
            Some(other) => Err(self.wrong(name, "an object", &other)),
        }
    }

    /// Nothing more was to be said.
    pub(crate) fn end(self) -> Result<(), String> {
        match self.left.keys().next() {
            None => Ok(()),
            Some(other) => Err(format!("{} has no '{other}'; it has: {}", self.what, self.known.join(", "))),
        }
    }
}
