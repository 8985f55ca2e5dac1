// SPDX-License-Identifier: Apache-2.0
use crate::device::Device;
use crate::error::Result;
use crate::plan::Plan;
use crate::problem::Problem;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Plans of one device by their problems, for programs whose shapes vary: each is made once. Shared by threads; while one
/// plan is made, others wait.
///
/// ```
/// use flashrnn::{Cell, Device, PlanCache, Problem};
///
/// let cache = PlanCache::new(&Device::cpu()?);
/// for time in [10, 20, 10] {
///     let plan = cache.plan(&Problem::new(Cell::LSTM).time(time).heads(2, 8))?;
///     assert_eq!(plan.shapes().h[1], time);
/// }
/// assert_eq!(cache.len(), 2);
/// # Ok::<(), flashrnn::Error>(())
/// ```
#[derive(Debug)]
pub struct PlanCache {
    device: Device,
    plans: Mutex<HashMap<Problem, Arc<Plan>>>,
}

impl PlanCache {
    /// An empty one.
    pub fn new(device: &Device) -> PlanCache {
        PlanCache { device: device.clone(), plans: Mutex::default() }
    }

    fn plans(&self) -> MutexGuard<'_, HashMap<Problem, Arc<Plan>>> {
        // A map is whole whenever the lock is let go, also by a panic.
        self.plans.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The plan of that problem, made now if there is none yet. A failure is not kept.
    pub fn plan(&self, problem: &Problem) -> Result<Arc<Plan>> {
        let mut plans = self.plans();
        if let Some(plan) = plans.get(problem) {
            return Ok(plan.clone());
        }
        let plan = Arc::new(Plan::new(&self.device, problem)?);
        plans.insert(problem.clone(), plan.clone());
        Ok(plan)
    }

    /// How many plans it holds.
    pub fn len(&self) -> usize {
        self.plans().len()
    }

    /// Whether it holds none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Forgets all plans; those in use live on.
    pub fn clear(&self) {
        self.plans().clear();
    }
}
