// SPDX-License-Identifier: Apache-2.0
//! Alone in its process, since there is one logger in all.
use flashrnn::{clear_logger, set_logger, Cell, Device, LogLevel, Problem};
use std::sync::{Arc, Mutex};

#[test]
fn messages_reach_the_logger_until_it_is_cleared_and_its_panic_stays_inside() {
    let messages = Arc::new(Mutex::new(Vec::new()));
    let plan = || Problem::new(Cell::GRU).heads(1, 8).plan(&Device::cpu().unwrap()).unwrap();
    let sink = messages.clone();
    set_logger(LogLevel::Debug, move |level, text| sink.lock().unwrap().push((level, text.to_string())))
        .unwrap();
    plan();
    clear_logger().unwrap();
    let count = messages.lock().unwrap().len();
    assert!(count > 0 && messages.lock().unwrap().iter().all(|(_, text)| !text.is_empty()));
    plan();
    assert_eq!(messages.lock().unwrap().len(), count);

    set_logger(LogLevel::Debug, |_, _| panic!("in the logger")).unwrap();
    plan();
    clear_logger().unwrap();
}
