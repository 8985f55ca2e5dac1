// SPDX-License-Identifier: Apache-2.0
//! Bad input is an error with the value and the rule, and touches nothing.
use flashrnn::{Backward, Cell, Device, Dtype, Error, Forward, Mode, Problem, Step, View, ViewMut};

fn device() -> Device {
    Device::cpu().unwrap()
}

fn small() -> Problem {
    Problem::new(Cell::LSTM).batch(2).time(3).heads(2, 4)
}

#[track_caller]
fn expect_invalid<T: std::fmt::Debug>(result: Result<T, Error>, words: &[&str]) {
    match result {
        Err(Error::InvalidArgument(message)) => {
            for word in words {
                assert!(message.contains(word), "{message:?} lacks {word:?}");
            }
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_problem_that_breaks_a_rule_is_refused() {
    expect_invalid(small().batch(0).plan(&device()), &["batch", "0"]);
    expect_invalid(small().heads(0, 4).plan(&device()), &["heads", "0"]);
    expect_invalid(small().time(usize::MAX).plan(&device()), &["9223372036854775807"]);
    expect_invalid(small().forward_clip(-1.0).plan(&device()), &["forward_clip", "-1"]);
    expect_invalid(small().recurrent_gradient_clip(f64::NAN).plan(&device()), &["recurrent_gradient_clip"]);
    expect_invalid(small().dtype(Dtype::Int32).plan(&device()), &["dtype"]);
    expect_invalid(small().config("a\0b").plan(&device()), &["config", "zero byte"]);
    expect_invalid(small().config("no_such=1").plan(&device()), &["no_such"]);
    assert!(small().model_path("/no/such/model").plan(&device()).is_err());
}

#[test]
fn a_cell_or_device_that_is_not_there_is_refused() {
    expect_invalid("lstn".parse::<Cell>(), &["lstn", "lstm"]);
    expect_invalid(Cell::from_raw(12345), &["12345"]);
    let error = Device::open(flashrnn::Backend::Cpu, 99).unwrap_err();
    assert!(error.to_string().contains("99"), "{error}");
    assert!(error.to_string().starts_with("FLASHRNN_"), "{error}");
}

#[test]
fn a_slice_of_another_length_is_refused_and_nothing_is_written() {
    let plan = small().plan(&device()).unwrap();
    let (mut workspace, mut saved) = (plan.workspace().unwrap(), plan.saved().unwrap());
    let (wx, r) = (vec![0f32; 2 * 3 * 4 * 8], vec![0f32; 4 * 2 * 16]);
    let mut h = vec![7f32; 2 * 3 * 8];
    for length in [0, wx.len() - 1] {
        let run = Forward::new(&wx[..length], &r).h(&mut h).saved(&mut saved);
        expect_invalid(plan.forward(run, &mut workspace), &["wx", &length.to_string(), "[2, 3, 4, 2, 4]"]);
    }
    let long = vec![0f32; wx.len() + 1];
    expect_invalid(
        plan.forward(Forward::new(&long, &r).h(&mut h).saved(&mut saved), &mut workspace),
        &["wx"],
    );
    let mut short = vec![7f32; 5];
    let run = Forward::new(&wx, &r).h(&mut short).saved(&mut saved);
    expect_invalid(plan.forward(run, &mut workspace), &["h", "5"]);
    assert!(h.iter().chain(&short).all(|&v| v == 7.0));
}

#[test]
fn strides_that_leave_the_slice_are_refused() {
    let plan = small().mode(Mode::Inference).plan(&device()).unwrap();
    let mut workspace = plan.workspace().unwrap();
    let (wx, r) = (vec![0f32; 2 * 3 * 4 * 8], vec![0f32; 4 * 2 * 16]);
    let mut try_wx = |view: View<5>| plan.forward(Forward::new(view, &r), &mut workspace);
    let packed = [96, 32, 8, 4, 1];
    try_wx(View::from(&wx).strides(packed)).unwrap();
    try_wx(View::from(&wx).strides([0, 32, 8, 4, 1])).unwrap();
    try_wx(View::from(&wx).strides([-96, 32, 8, 4, 1]).offset(96)).unwrap();
    expect_invalid(try_wx(View::from(&wx).strides([-96, 32, 8, 4, 1])), &["wx", "-96"]);
    expect_invalid(try_wx(View::from(&wx).strides([97, 32, 8, 4, 1])), &["wx", "192"]);
    expect_invalid(try_wx(View::from(&wx).strides(packed).offset(1)), &["wx", "192"]);
    expect_invalid(try_wx(View::from(&wx).offset(193)), &["offset", "193"]);
    expect_invalid(try_wx(View::from(&wx).strides([i64::MAX; 5])), &["wx"]);
    expect_invalid(try_wx(View::from(&wx).strides([i64::MIN; 5])), &["wx"]);
    let mut h = vec![0f32; 48];
    let overlapping = ViewMut::from(&mut h).strides([0, 8, 4, 1]);
    expect_invalid(plan.forward(Forward::new(&wx, &r).h(overlapping), &mut workspace), &["h"]);
}

#[test]
fn a_tensor_of_another_dtype_is_refused() {
    let plan = small().mode(Mode::Inference).plan(&device()).unwrap();
    let (wx, r) = (vec![0f64; 2 * 3 * 4 * 8], vec![0f32; 4 * 2 * 16]);
    expect_invalid(plan.forward(Forward::new(&wx, &r), &mut plan.workspace().unwrap()), &["wx", "dtype"]);
}

#[test]
fn lengths_and_resets_go_with_their_options_only() {
    let (wx, r) = (vec![0f32; 2 * 3 * 4 * 8], vec![0f32; 4 * 2 * 16]);
    let run = |problem: Problem, lengths: Option<[i32; 2]>, resets: Option<[u8; 6]>| {
        let plan = problem.mode(Mode::Inference).plan(&device()).unwrap();
        let mut forward = Forward::new(&wx, &r);
        if let Some(lengths) = &lengths {
            forward = forward.lengths(lengths);
        }
        if let Some(resets) = &resets {
            forward = forward.resets(resets);
        }
        plan.forward(forward, &mut plan.workspace().unwrap())
    };
    run(small().lengths(), Some([0, 3]), None).unwrap();
    run(small().resets(), None, Some([1; 6])).unwrap();
    expect_invalid(run(small(), Some([0, 3]), None), &["lengths"]);
    expect_invalid(run(small().lengths(), None, None), &["lengths"]);
    expect_invalid(run(small().lengths(), Some([0, 4]), None), &["lengths[1]", "4"]);
    expect_invalid(run(small().lengths(), Some([-1, 3]), None), &["lengths[0]", "-1"]);
    expect_invalid(run(small(), None, Some([0; 6])), &["resets"]);
}

#[test]
fn saved_memory_is_of_its_plan_and_filled() {
    let (a, b) = (small().plan(&device()).unwrap(), small().plan(&device()).unwrap());
    let mut workspace = a.workspace().unwrap();
    let (wx, r) = (vec![0f32; 2 * 3 * 4 * 8], vec![0f32; 4 * 2 * 16]);
    let mut h = vec![0f32; 48];
    let mut other = b.saved().unwrap();
    let run = Forward::new(&wx, &r).h(&mut h).saved(&mut other);
    expect_invalid(a.forward(run, &mut workspace), &["saved", "another plan"]);
    expect_invalid(a.forward(Forward::new(&wx, &r).h(&mut h), &mut workspace), &["saved"]);
    let empty = a.saved().unwrap();
    expect_invalid(a.backward(Backward::new(&r, &h).saved(&empty), &mut workspace), &["saved", "empty"]);
}

#[test]
fn a_workspace_that_is_too_small_is_refused() {
    let small_plan = small().mode(Mode::Inference).plan(&device()).unwrap();
    let large = Problem::new(Cell::LSTM)
        .batch(64)
        .time(3)
        .heads(8, 64)
        .mode(Mode::Inference)
        .plan(&device())
        .unwrap();
    let (wx, r) = (vec![0f32; 64 * 3 * 4 * 512], vec![0f32; 4 * 8 * 64 * 64]);
    let mut workspace = small_plan.workspace().unwrap();
    expect_invalid(large.forward(Forward::new(&wx, &r), &mut workspace), &["workspace"]);
}

#[test]
fn a_step_without_new_states_is_refused() {
    let plan = small().plan(&device()).unwrap();
    let (wx, r) = (vec![0f32; 2 * 4 * 8], vec![0f32; 4 * 2 * 16]);
    expect_invalid(plan.step(Step::new(&wx, &r), &mut plan.workspace().unwrap()), &["new_states"]);
}

#[test]
fn inference_has_no_backward() {
    let plan = small().mode(Mode::Inference).plan(&device()).unwrap();
    let (r, h) = (vec![0f32; 4 * 2 * 16], vec![0f32; 48]);
    expect_invalid(plan.backward(Backward::new(&r, &h), &mut plan.workspace().unwrap()), &["mode"]);
}

#[test]
fn buffers_refuse_copies_of_another_length() {
    let mut buffer = device().zeros::<f32>(4).unwrap();
    expect_invalid(buffer.upload(&[1.0; 3]), &["3", "4"]);
    expect_invalid(buffer.download_to(&mut [0.0; 5]), &["5", "4"]);
    expect_invalid(device().zeros::<f64>(usize::MAX), &["buffer"]);
}
