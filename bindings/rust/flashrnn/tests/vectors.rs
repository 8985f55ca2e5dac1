// SPDX-License-Identifier: Apache-2.0
//! The library through this crate gives what it gives through C: every case of the shared test vectors, in the order of
//! axes that they have, and with every tensor's axes reversed in memory.
mod common;

use common::{cases, Case, Data, Tensor};
use flashrnn::{Backward, Device, Forward, Plan, Step, View, ViewMut};
use std::collections::HashMap;

/// How the tensors lie in memory.
#[derive(Clone, Copy, PartialEq)]
enum Layout {
    Packed,
    Reversed,
}

/// For each element of the reversed memory, its index in the packed one.
fn reversed_order(shape: &[usize]) -> Vec<usize> {
    let mut order = vec![0];
    for &extent in shape.iter() {
        let step = order.clone();
        order = (0..extent).flat_map(|i| step.iter().map(move |&o| o * extent + i)).collect();
    }
    order
}

fn reversed_strides<const RANK: usize>(shape: &[usize]) -> [i64; RANK] {
    let mut strides = [1; RANK];
    for axis in 1..RANK {
        strides[axis] = strides[axis - 1] * shape[axis - 1].max(1) as i64;
    }
    strides
}

struct Memory {
    layout: Layout,
    shapes: HashMap<String, Vec<usize>>,
    data: HashMap<String, Data>,
}

impl Memory {
    fn new(layout: Layout) -> Self {
        Memory { layout, shapes: HashMap::new(), data: HashMap::new() }
    }

    fn lay(&self, tensor: &Tensor) -> Data {
        match self.layout {
            Layout::Packed => tensor.data.clone(),
            Layout::Reversed => tensor.data.permuted(&reversed_order(&tensor.shape)),
        }
    }

    fn add(&mut self, name: &str, tensor: Option<&Tensor>, poisoned: bool) {
        if let Some(tensor) = tensor {
            let data = if poisoned { tensor.data.poisoned() } else { self.lay(tensor) };
            self.shapes.insert(name.into(), tensor.shape.clone());
            self.data.insert(name.into(), data);
        }
    }

    fn view<const RANK: usize>(&self, name: &str) -> Option<View<'_, RANK>> {
        let view = self.data.get(name)?.view();
        Some(match self.layout {
            Layout::Packed => view,
            Layout::Reversed => view.strides(reversed_strides(&self.shapes[name])),
        })
    }

    fn view_mut<'a, const RANK: usize>(
        shapes: &HashMap<String, Vec<usize>>,
        layout: Layout,
        name: &str,
        data: &'a mut Data,
    ) -> ViewMut<'a, RANK> {
        let view = data.view_mut();
        match layout {
            Layout::Packed => view,
            Layout::Reversed => view.strides(reversed_strides(&shapes[name])),
        }
    }

    fn expect(&self, case: &Case, call: &str, bound: f64) {
        for (name, tensor) in case.outputs(call) {
            let got = &self.data[name];
            assert_eq!(got.dtype(), tensor.data.dtype());
            let (got, want) = (got.values(), self.lay(tensor).values());
            if self.layout == Layout::Packed {
                assert_eq!(got, want, "{} {call} {name}", case.name);
            }
            let norm = |values: &[f64]| values.iter().map(|v| v * v).sum::<f64>().sqrt();
            let difference: Vec<f64> = got.iter().zip(&want).map(|(g, w)| g - w).collect();
            let limit = bound * norm(&want);
            assert!(norm(&difference) <= limit, "{} {call} {name}: {got:?}, not {want:?}", case.name);
        }
    }
}

/// Calls the builder's method of that name with the tensor of that name, where there is one.
macro_rules! inputs {
    ($run:ident, $memory:ident, $($name:ident),*) => {$(
        if let Some(view) = $memory.view(stringify!($name)) {
            $run = $run.$name(view);
        }
    )*};
}

macro_rules! outputs {
    ($run:ident, $memory:ident, $outputs:ident, $($name:ident),*) => {
        for (name, data) in $outputs.iter_mut() {
            match name.as_str() {
                $(stringify!($name) => $run = $run.$name(Memory::view_mut(&$memory.shapes, $memory.layout, name, data)),)*
                _ => panic!("output {name} is not known here"),
            }
        }
    };
}

/// Takes the outputs out of the memory, so that they can be borrowed mutably beside the inputs.
fn split(memory: &mut Memory, case: &Case, call: &str) -> HashMap<String, Data> {
    for (name, tensor) in case.outputs(call) {
        memory.add(name, Some(tensor), true);
    }
    case.outputs(call)
        .iter()
        .map(|(name, _)| (name.to_string(), memory.data.remove(*name).unwrap()))
        .collect()
}

fn replay(device: &Device, case: &Case, layout: Layout) {
    let plan: Plan = case.problem().plan(device).unwrap();
    let mut workspace = plan.workspace().unwrap();
    let mut saved = plan.saved().unwrap();
    let mut memory = Memory::new(layout);
    let inputs_of = |memory: &mut Memory, call: &str, names: &[&str]| {
        for name in names {
            memory.add(name, case.get(call, "in", name), false);
        }
    };

    inputs_of(&mut memory, "forward", &["wx", "r", "bias", "initial_states", "lengths", "resets"]);
    let mut out = split(&mut memory, case, "forward");
    let mut run = Forward::new(memory.view("wx").unwrap(), memory.view("r").unwrap()).saved(&mut saved);
    inputs!(run, memory, bias, initial_states, lengths, resets);
    outputs!(run, memory, out, h, states, last_states);
    plan.forward(run, &mut workspace).unwrap();
    memory.data.extend(out);
    memory.expect(case, "forward", case.bounds["outputs"]);

    if case.has("backward") {
        inputs_of(&mut memory, "backward", &["d_h", "d_states", "d_last_states"]);
        let mut out = split(&mut memory, case, "backward");
        let mut run = Backward::new(memory.view("r").unwrap(), memory.view("h").unwrap()).saved(&saved);
        if case.fields["mode"] as i32 == flashrnn::sys::FLASHRNN_MODE_RECOMPUTE {
            inputs!(run, memory, wx, bias);
        }
        inputs!(run, memory, initial_states, lengths, resets, d_h, d_states, d_last_states);
        outputs!(run, memory, out, d_wx, d_r, d_bias, d_initial_states);
        plan.backward(run, &mut workspace).unwrap();
        memory.data.extend(out);
        memory.expect(case, "backward", case.bounds["gradients"]);
    }

    if case.has("step") {
        let mut memory = Memory::new(layout);
        inputs_of(&mut memory, "step", &["wx", "r", "bias", "states"]);
        let mut out = split(&mut memory, case, "step");
        let mut run = Step::new(memory.view("wx").unwrap(), memory.view("r").unwrap());
        inputs!(run, memory, bias, states);
        outputs!(run, memory, out, new_states, h);
        plan.step(run, &mut workspace).unwrap();
        memory.data.extend(out);
        memory.expect(case, "step", case.bounds["outputs"]);
    }
}

#[test]
#[ignore = "needs FLASHRNN_VECTORS, which the ctest entry bindings.rust sets"]
fn every_case_gives_the_same_bits_packed() {
    let device = Device::cpu().unwrap();
    let cases = cases();
    assert!(["backward", "step"].iter().all(|call| cases.iter().any(|case| case.has(call))));
    for case in cases {
        replay(&device, &case, Layout::Packed);
    }
}

#[test]
#[ignore = "needs FLASHRNN_VECTORS, which the ctest entry bindings.rust sets"]
fn every_case_is_within_its_bounds_with_all_axes_reversed() {
    let device = Device::cpu().unwrap();
    for case in cases() {
        replay(&device, &case, Layout::Reversed);
    }
}

#[test]
fn reversed_order_and_strides_agree() {
    // [2, 3] packed: element (i, j) at 3 i + j; reversed in memory at i + 2 j.
    assert_eq!(reversed_order(&[2, 3]), [0, 3, 1, 4, 2, 5]);
    assert_eq!(reversed_strides::<2>(&[2, 3]), [1, 2]);
}
