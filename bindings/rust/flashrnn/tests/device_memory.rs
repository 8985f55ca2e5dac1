// SPDX-License-Identifier: Apache-2.0
//! The test vectors in the device's own memory: uploaded into Buffers, run on the default stream and on one of its own,
//! downloaded. On the CPU, and on CUDA where the library has it and a GPU is there.
//!
//! A program without the test harness, so that it can say what was skipped, and runs on its own on a GPU machine:
//!
//!     FLASHRNN_VECTORS=<folder> LD_LIBRARY_PATH=<folder of libflashrnn.so> device_memory-<hash>
#[allow(dead_code)] // what only vectors.rs uses
mod common;

use common::{cases, Case, Data};
use flashrnn::{sys, Backend, Backward, Buffer, Device, Dtype, Error, Forward, Result, Step, Stream};
use flashrnn::{Bf16, View, ViewMut, F16};
use std::collections::HashMap;

/// Defines Held, a Buffer of a dtype that only the file knows, as Data is for host memory.
macro_rules! held {
    ($($kind:ident $element:ty),*) => {
        enum Held { $($kind(Buffer<$element>)),* }

        impl Held {
            fn upload(device: &Device, data: &Data) -> Result<Held> {
                Ok(match data { $(Data::$kind(host) => Held::$kind(device.upload(host)?)),* })
            }

            fn download(&self) -> Result<Data> {
                Ok(match self { $(Held::$kind(buffer) => Data::$kind(buffer.download()?)),* })
            }

            fn view<const RANK: usize>(&self) -> View<'_, RANK> {
                match self { $(Held::$kind(buffer) => buffer.into()),* }
            }

            fn view_mut<const RANK: usize>(&mut self) -> ViewMut<'_, RANK> {
                match self { $(Held::$kind(buffer) => buffer.into()),* }
            }
        }
    };
}

held!(F32 f32, F64 f64, Bf16 Bf16, F16 F16, U8 u8, I32 i32, I64 i64);

type Tensors = HashMap<String, Held>;

/// Hands the tensors of these names, where they are there, to the builder's methods of the same names.
macro_rules! given {
    ($run:ident, $tensors:expr, $($name:ident),*) => {$(
        if let Some(held) = $tensors.get(stringify!($name)) {
            $run = $run.$name(held.view());
        }
    )*};
}

macro_rules! wanted {
    ($run:ident, $tensors:expr, $($name:ident),*) => {
        for (name, held) in $tensors.iter_mut() {
            match name.as_str() {
                $(stringify!($name) => $run = $run.$name(held.view_mut()),)*
                _ => panic!("output {name} is not known here"),
            }
        }
    };
}

fn inputs(device: &Device, case: &Case, call: &str) -> Result<Tensors> {
    let of_call = case.tensors.iter().filter(|((c, role, _), _)| c == call && role == "in");
    of_call.map(|((_, _, name), tensor)| Ok((name.clone(), Held::upload(device, &tensor.data)?))).collect()
}

fn outputs(device: &Device, case: &Case, call: &str) -> Result<Tensors> {
    let all = case.outputs(call).into_iter();
    all.map(|(name, tensor)| Ok((name.into(), Held::upload(device, &tensor.data.poisoned())?))).collect()
}

fn expect(case: &Case, call: &str, got: &Tensors) -> Result<()> {
    let norm = |values: &[f64]| values.iter().map(|v| v * v).sum::<f64>().sqrt();
    let bound = case.bounds[if call == "backward" { "gradients" } else { "outputs" }];
    for (name, tensor) in case.outputs(call) {
        let (got, want) = (got[name].download()?.values(), tensor.data.values());
        let difference: Vec<f64> = got.iter().zip(&want).map(|(g, w)| g - w).collect();
        let (found, limit) = (norm(&difference), bound * norm(&want));
        assert!(
            found <= limit,
            "{} {call} {name}: differs by {found:e}, at most {limit:e} may be",
            case.name
        );
    }
    Ok(())
}

fn replay(device: &Device, case: &Case, stream: Option<&Stream>) -> Result<()> {
    let plan = case.problem().plan(device)?;
    let (mut workspace, mut saved) = (plan.workspace()?, plan.saved()?);
    let done = || stream.map_or(Ok(()), Stream::synchronize);

    let given = inputs(device, case, "forward")?;
    let mut out = outputs(device, case, "forward")?;
    let mut run = Forward::new(given["wx"].view(), given["r"].view()).saved(&mut saved);
    given!(run, given, bias, initial_states, lengths, resets);
    wanted!(run, out, h, states, last_states);
    if let Some(stream) = stream {
        run = run.stream(stream);
    }
    plan.forward(run, &mut workspace)?;
    done()?;
    expect(case, "forward", &out)?;

    if case.has("backward") {
        let gradients_given = inputs(device, case, "backward")?;
        let mut gradients = outputs(device, case, "backward")?;
        let mut run = Backward::new(given["r"].view(), out["h"].view()).saved(&saved);
        if case.fields["mode"] as i32 == sys::FLASHRNN_MODE_RECOMPUTE {
            given!(run, given, wx, bias);
        }
        given!(run, given, initial_states, lengths, resets);
        given!(run, gradients_given, d_h, d_states, d_last_states);
        wanted!(run, gradients, d_wx, d_r, d_bias, d_initial_states);
        if let Some(stream) = stream {
            run = run.stream(stream);
        }
        plan.backward(run, &mut workspace)?;
        done()?;
        expect(case, "backward", &gradients)?;
    }

    if case.has("step") {
        let given = inputs(device, case, "step")?;
        let mut out = outputs(device, case, "step")?;
        let mut run = Step::new(given["wx"].view(), given["r"].view());
        given!(run, given, bias, states);
        wanted!(run, out, new_states, h);
        if let Some(stream) = stream {
            run = run.stream(stream);
        }
        plan.step(run, &mut workspace)?;
        done()?;
        expect(case, "step", &out)?;
    }
    Ok(())
}

/// Replays all cases. What no GPU computes, float64, may be refused there; all else must be right.
fn replay_all(device: &Device, cases: &[Case]) {
    let own = Stream::new(device).unwrap();
    let mut refused = 0;
    for case in cases {
        for stream in [None, Some(&own)] {
            match replay(device, case, stream) {
                Err(Error::Unsupported(_)) if !device.is_host() && is_float64(case) => refused += 1,
                result => result.unwrap_or_else(|error| panic!("{}: {error}", case.name)),
            }
        }
    }
    let runs = 2 * cases.len() - refused;
    assert!(runs > 0);
    println!("{}: {runs} runs are right, {refused} of float64 refused", device.info().name);
}

fn is_float64(case: &Case) -> bool {
    ["dtype", "weight_dtype", "state_dtype"]
        .iter()
        .any(|name| Dtype::from_raw(case.fields[*name] as i32).unwrap() == Dtype::Float64)
}

fn main() {
    if std::env::var_os("FLASHRNN_VECTORS").is_none() {
        println!("SKIPPED: FLASHRNN_VECTORS does not name the folder of the test vectors");
        return;
    }
    let cases = cases();
    replay_all(&Device::cpu().unwrap(), &cases);
    match Device::open(Backend::Cuda, 0) {
        Ok(device) => replay_all(&device, &cases),
        Err(Error::DeviceUnavailable(message)) => println!("SKIPPED: {message}"),
        Err(error) => panic!("{error}"),
    }
}
