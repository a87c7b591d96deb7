use burn::tensor::Device;
use clockwork_model::{Batch, Task};
use serde::{Deserialize, Serialize};

use crate::{Backend, Config, Error, GradientMethod, NoDevice, Result};

/// The backend that a user asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackendChoice {
    /// The processor.
    Cpu,
    /// A device of Vulkan, Metal or DX12, a GPU before any other.
    Wgpu,
    /// A GPU if there is one, else the processor.
    Auto,
}

/// What kind of device it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum DeviceClass {
    /// The processor, by our own code and burn's Flex.
    Processor,
    /// A GPU with memory of its own.
    DiscreteGpu,
    /// A GPU that shares the processor's memory.
    IntegratedGpu,
    /// A GPU of a virtual machine.
    VirtualGpu,
    /// The processor, as a driver of a graphics interface uses it.
    SoftwareGpu,
}

/// A device that runs can be trained on.
#[derive(Debug, Clone)]
pub struct TrainingDevice {
    class: DeviceClass,
    name: String,
    device: Device,
}

impl TrainingDevice {
    /// The processor.
    #[must_use]
    pub fn cpu() -> Self {
        let name = format!("{} {}", std::env::consts::ARCH, std::env::consts::OS);
        Self { class: DeviceClass::Processor, name, device: Device::flex() }
    }

    /// Everything that is there: the processor, then what graphics interfaces reach, GPUs first.
    #[must_use]
    pub fn all() -> Vec<Self> {
        [Self::cpu()].into_iter().chain(wgpu_devices()).collect()
    }

    /// The device for a choice of backend.
    ///
    /// # Errors
    ///
    /// [`Error::NoDevice`] where wgpu is asked for and was not built in, or finds nothing.
    pub fn choose(choice: BackendChoice) -> Result<Self> {
        match choice {
            BackendChoice::Cpu => Ok(Self::cpu()),
            BackendChoice::Auto => Ok(Self::auto(wgpu_devices())),
            BackendChoice::Wgpu if !HAS_WGPU => Err(Error::NoDevice(NoDevice::NotBuiltIn)),
            BackendChoice::Wgpu => {
                wgpu_devices().into_iter().next().ok_or(Error::NoDevice(NoDevice::NoneFound))
            }
        }
    }

    /// The first of the devices if it is a GPU, else the processor.
    fn auto(devices: Vec<Self>) -> Self {
        devices.into_iter().next().filter(|device| device.class.is_gpu()).unwrap_or_else(Self::cpu)
    }

    /// Refuses an environment variable `BURN_DEVICE` that burn would panic at. It chooses nothing here, but burn
    /// looks at it when it loads an optimiser's state.
    ///
    /// # Errors
    ///
    /// [`Error::NoDevice`] where it names a device that burn does not know or was built without.
    pub fn check_environment() -> Result<()> {
        let named = std::env::var("BURN_DEVICE").ok().map(|name| name.to_lowercase());
        match named.as_deref() {
            None | Some("flex") => Ok(()),
            Some("wgpu") if HAS_WGPU => Ok(()),
            Some(_) => Err(Error::NoDevice(NoDevice::BurnDevice)),
        }
    }

    /// What kind of device it is.
    #[must_use]
    pub fn class(&self) -> DeviceClass {
        self.class
    }

    /// Whether it is the processor, by our own code and burn's Flex.
    #[must_use]
    pub fn is_processor(&self) -> bool {
        self.class == DeviceClass::Processor
    }

    /// What it calls itself.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The backend that reaches it: `flex` or `wgpu`.
    #[must_use]
    pub fn backend(&self) -> &'static str {
        if self.is_processor() { "flex" } else { "wgpu" }
    }

    /// The device as burn takes it.
    pub(crate) fn device(&self) -> &Device {
        &self.device
    }

    /// How the gradient is computed on it: our own formulas are for the processor.
    pub(crate) fn gradient_method(&self, config: &Config) -> GradientMethod {
        if self.is_processor() { config.training.gradient } else { GradientMethod::Autodiff }
    }

    /// The pairs of runs, as its networks look up their rows fastest.
    pub(crate) fn batch(&self, tasks: &[Task], pairs: &[&[usize]], device: &Device) -> Batch {
        let batch = Batch::of_replicas(tasks, pairs, device);
        if self.is_processor() { batch } else { batch.by_product() }
    }

    /// What `run.json` says of it.
    pub(crate) fn record(&self, threads: usize) -> Backend {
        Backend {
            name: self.backend().to_owned(),
            device: self.name.clone(),
            threads,
            dtype: "f32".to_owned(),
        }
    }
}

impl DeviceClass {
    /// Whether it is a GPU, rather than the processor or a GPU emulated on it.
    pub(crate) fn is_gpu(self) -> bool {
        matches!(self, Self::DiscreteGpu | Self::IntegratedGpu | Self::VirtualGpu)
    }
}

/// Whether devices beyond the processor can be reached at all.
pub const HAS_WGPU: bool = cfg!(feature = "wgpu");

/// What graphics interfaces reach, GPUs first, discrete ones before others.
#[cfg(feature = "wgpu")]
fn wgpu_devices() -> Vec<TrainingDevice> {
    use burn::tensor::{DeviceKind, DeviceType};

    let there = Device::enumerate(DeviceType::Wgpu).into_vec();
    let of_class = |class: DeviceClass, kind: fn(usize) -> DeviceKind| {
        (0..there.len()).map(move |i| (class, Device::wgpu(kind(i))))
    };
    of_class(DeviceClass::DiscreteGpu, DeviceKind::DiscreteGpu)
        .chain(of_class(DeviceClass::IntegratedGpu, DeviceKind::IntegratedGpu))
        .chain(of_class(DeviceClass::VirtualGpu, DeviceKind::VirtualGpu))
        .chain([(DeviceClass::SoftwareGpu, Device::wgpu(DeviceKind::Cpu))])
        .filter(|(_, device)| there.contains(device))
        .map(|(class, device)| {
            let name = device.identity().map_or_else(|| "unnamed".to_owned(), |identity| identity.name);
            TrainingDevice { class, name, device }
        })
        .collect()
}

#[cfg(not(feature = "wgpu"))]
fn wgpu_devices() -> Vec<TrainingDevice> {
    Vec::new()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_processor_is_listed_first_and_reached_by_flex() {
        let all = TrainingDevice::all();
        assert_eq!((all[0].class(), all[0].backend()), (DeviceClass::Processor, "flex"));
        assert!(all[1..].iter().all(|device| !device.is_processor() && device.backend() == "wgpu"));
    }

    #[test]
    fn a_gpu_is_chosen_before_the_processor_and_a_software_device_is_not() {
        let device = |class| TrainingDevice { class, name: format!("{class:?}"), device: Device::flex() };
        let chosen = |classes: &[DeviceClass]| {
            TrainingDevice::auto(classes.iter().copied().map(device).collect()).class()
        };
        assert_eq!(
            chosen(&[DeviceClass::IntegratedGpu, DeviceClass::SoftwareGpu]),
            DeviceClass::IntegratedGpu
        );
        assert_eq!(chosen(&[DeviceClass::DiscreteGpu, DeviceClass::VirtualGpu]), DeviceClass::DiscreteGpu);
        assert_eq!(chosen(&[DeviceClass::SoftwareGpu]), DeviceClass::Processor);
        assert_eq!(chosen(&[]), DeviceClass::Processor);
    }

    #[cfg(not(feature = "wgpu"))]
    #[test]
    fn what_was_not_built_in_is_no_device() {
        let error = TrainingDevice::choose(BackendChoice::Wgpu).unwrap_err();
        assert!(matches!(error, Error::NoDevice(NoDevice::NotBuiltIn)), "{error}");
    }
}
