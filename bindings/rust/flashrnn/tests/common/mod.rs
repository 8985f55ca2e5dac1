// SPDX-License-Identifier: Apache-2.0
//! Reads the test vectors; tests/vectors/README.md tells their format.
use flashrnn::{sys, Bf16, Cell, Dtype, Element, Mode, Problem, Real, View, ViewMut, F16};
use std::collections::HashMap;
use std::path::PathBuf;

/// A tensor of a dtype that only the file knows.
#[derive(Clone, Debug)]
pub enum Data {
    F32(Vec<f32>),
    F64(Vec<f64>),
    Bf16(Vec<Bf16>),
    F16(Vec<F16>),
    U8(Vec<u8>),
    I32(Vec<i32>),
    I64(Vec<i64>),
}

macro_rules! each {
    ($data:expr, $vector:ident => $body:expr) => {
        match $data {
            Data::F32($vector) => $body,
            Data::F64($vector) => $body,
            Data::Bf16($vector) => $body,
            Data::F16($vector) => $body,
            Data::U8($vector) => $body,
            Data::I32($vector) => $body,
            Data::I64($vector) => $body,
        }
    };
}

fn permuted<T: Copy>(source: &[T], from: &[usize]) -> Vec<T> {
    from.iter().map(|&i| source[i]).collect()
}

impl Data {
    fn read(dtype: Dtype, bytes: &[u8]) -> Data {
        fn all<T, const N: usize>(bytes: &[u8], one: impl Fn([u8; N]) -> T) -> Vec<T> {
            bytes.chunks_exact(N).map(|chunk| one(chunk.try_into().unwrap())).collect()
        }
        match dtype {
            Dtype::Float32 => Data::F32(all(bytes, f32::from_le_bytes)),
            Dtype::Float64 => Data::F64(all(bytes, f64::from_le_bytes)),
            Dtype::Bfloat16 => Data::Bf16(all(bytes, |b| Bf16(u16::from_le_bytes(b)))),
            Dtype::Float16 => Data::F16(all(bytes, |b| F16(u16::from_le_bytes(b)))),
            Dtype::Uint8 => Data::U8(bytes.to_vec()),
            Dtype::Int32 => Data::I32(all(bytes, i32::from_le_bytes)),
            Dtype::Int64 => Data::I64(all(bytes, i64::from_le_bytes)),
            other => panic!("{other:?}"),
        }
    }

    /// As many elements, none of which a run gives.
    pub fn poisoned(&self) -> Data {
        match self {
            Data::F32(v) => Data::F32(vec![f32::NAN; v.len()]),
            Data::F64(v) => Data::F64(vec![f64::NAN; v.len()]),
            Data::Bf16(v) => Data::Bf16(vec![Bf16(0x7fc0); v.len()]),
            Data::F16(v) => Data::F16(vec![F16(0x7e00); v.len()]),
            other => panic!("no output is {other:?}"),
        }
    }

    pub fn view<const RANK: usize>(&self) -> View<'_, RANK> {
        each!(self, v => v.into())
    }

    pub fn view_mut<const RANK: usize>(&mut self) -> ViewMut<'_, RANK> {
        each!(self, v => v.into())
    }

    /// Element i of the result is element `from[i]` of this.
    pub fn permuted(&self, from: &[usize]) -> Data {
        match self {
            Data::F32(v) => Data::F32(permuted(v, from)),
            Data::F64(v) => Data::F64(permuted(v, from)),
            Data::Bf16(v) => Data::Bf16(permuted(v, from)),
            Data::F16(v) => Data::F16(permuted(v, from)),
            Data::U8(v) => Data::U8(permuted(v, from)),
            Data::I32(v) => Data::I32(permuted(v, from)),
            Data::I64(v) => Data::I64(permuted(v, from)),
        }
    }

    pub fn values(&self) -> Vec<f64> {
        fn all<T: Real>(v: &[T]) -> Vec<f64> {
            v.iter().map(|x| x.to_f64()).collect()
        }
        match self {
            Data::F32(v) => all(v),
            Data::F64(v) => all(v),
            Data::Bf16(v) => all(v),
            Data::F16(v) => all(v),
            other => panic!("no real numbers: {other:?}"),
        }
    }

    pub fn dtype(&self) -> Dtype {
        fn of<T: Element>(_: &[T]) -> Dtype {
            T::DTYPE
        }
        each!(self, v => of(v))
    }
}

#[derive(Clone, Debug)]
pub struct Tensor {
    pub shape: Vec<usize>,
    pub data: Data,
}

#[derive(Debug, Default)]
pub struct Case {
    pub name: String,
    pub fields: HashMap<String, f64>,
    pub bounds: HashMap<String, f64>,
    /// (call, role, name)
    pub tensors: HashMap<(String, String, String), Tensor>,
}

impl Case {
    pub fn get(&self, call: &str, role: &str, name: &str) -> Option<&Tensor> {
        self.tensors.get(&(call.into(), role.into(), name.into()))
    }

    pub fn has(&self, call: &str) -> bool {
        self.tensors.keys().any(|(c, _, _)| c == call)
    }

    /// Outputs of that call: name and what is expected.
    pub fn outputs(&self, call: &str) -> Vec<(&str, &Tensor)> {
        let of_call = self.tensors.iter().filter(|((c, role, _), _)| c == call && role == "out");
        of_call.map(|((_, _, name), tensor)| (name.as_str(), tensor)).collect()
    }

    pub fn problem(&self) -> Problem {
        let mut known = 0;
        let mut take = |name: &str| {
            known += usize::from(self.fields.contains_key(name));
            self.fields.get(name).copied().unwrap_or(0.0)
        };
        let cell = Cell::from_raw(take("cell") as i32).unwrap();
        let mut problem = Problem::new(cell)
            .batch(take("batch") as usize)
            .time(take("time") as usize)
            .heads(take("heads") as usize, take("head_dim") as usize)
            .forward_clip(take("forward_clip"))
            .recurrent_gradient_clip(take("recurrent_gradient_clip"))
            .threads(take("threads") as i32)
            .mode(match take("mode") as i32 {
                sys::FLASHRNN_MODE_RECOMPUTE => Mode::Recompute,
                sys::FLASHRNN_MODE_INFERENCE => Mode::Inference,
                _ => Mode::Training,
            });
        let mut dtype = |name| Dtype::from_raw(take(name) as i32).unwrap();
        problem = problem.dtypes(dtype("dtype"), dtype("weight_dtype"), dtype("state_dtype"));
        let flags = take("flags") as u32;
        for bit in (0..32).map(|i| 1 << i).filter(|bit| flags & bit != 0) {
            problem = match bit {
                sys::FLASHRNN_REVERSE => problem.reverse(),
                sys::FLASHRNN_LENGTHS => problem.lengths(),
                sys::FLASHRNN_RESETS => problem.resets(),
                sys::FLASHRNN_CUT_RECURRENT_GRADIENT => problem.cut_recurrent_gradient(),
                sys::FLASHRNN_ALLOW_TF32 => problem.allow_tf32(),
                _ => panic!("{}: flag {bit:#x} is not known here", self.name),
            };
        }
        assert_eq!(known, self.fields.len(), "{}: a field is not known here: {:?}", self.name, self.fields);
        problem
    }
}

/// The cases in the folder FLASHRNN_VECTORS.
pub fn cases() -> Vec<Case> {
    let folder =
        PathBuf::from(std::env::var_os("FLASHRNN_VECTORS").expect("FLASHRNN_VECTORS names their folder"));
    let text = std::fs::read_to_string(folder.join("vectors.txt")).unwrap();
    let bytes = std::fs::read(folder.join("vectors.bin")).unwrap();
    let mut lines = text.lines();
    assert_eq!(lines.next(), Some("flashrnn-vectors 1"));
    let (mut cases, mut case) = (Vec::new(), Case::default());
    for line in lines {
        let words: Vec<&str> = line.split(' ').collect();
        match words[..] {
            ["case", name] => case.name = name.into(),
            ["set", field, value] => drop(case.fields.insert(field.into(), value.parse().unwrap())),
            ["bound", what, value] => drop(case.bounds.insert(what.into(), value.parse().unwrap())),
            ["tensor", call, role, name, dtype, offset, ref sizes @ ..] => {
                let shape: Vec<usize> = sizes.iter().map(|size| size.parse().unwrap()).collect();
                let dtype = Dtype::from_raw(dtype.parse().unwrap()).unwrap();
                let begin: usize = offset.parse().unwrap();
                let end = begin + shape.iter().product::<usize>() * dtype.size();
                let data = Data::read(dtype, &bytes[begin..end]);
                case.tensors.insert((call.into(), role.into(), name.into()), Tensor { shape, data });
            }
            ["end"] => cases.push(std::mem::take(&mut case)),
            _ => panic!("line {line:?} is not known here"),
        }
    }
    assert!(!cases.is_empty());
    cases
}
