use crate::base::value::Value;
use std::{sync::Arc, time::Duration};
pub struct Request { pub method: &'static str, pub path: String, pub query: Vec<(Arc<str>, Value)>, pub headers: Vec<(Arc<str>, Value)>, pub json: Option<Value>, pub timeout: Option<Duration> }
pub struct Answer { pub status: u16, pub value: Value, pub retry_after: Option<Duration> }
pub enum Failure { NotSent { message: String }, InDoubt { message: String }, Unusable { message: String, status: u16 } }
pub struct View { pub line: String, pub headers: Vec<(String, String)>, pub body: Option<String> }
#[derive(Clone)]
pub struct Api;
impl Api {
    pub async fn send(&self, _r: &Request) -> Result<Answer, Failure> { Err(Failure::NotSent { message: String::new() }) }
    pub fn view(&self, _r: &Request) -> View { View { line: String::new(), headers: vec![], body: None } }
    pub fn error_code(&self, _a: &Value) -> Option<String> { None }
    pub fn key(&self, _r: &Request) -> String { String::new() }
}
