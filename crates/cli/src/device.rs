use anyhow::Context;
use clockwork_training::{BackendChoice, DeviceClass, HAS_WGPU, Record, RunFiles, TrainingDevice};

use crate::{args::BackendArg, printer::Printer};

/// The device of the backend asked for, if any. For `auto`, prints which device was chosen.
pub fn device(asked: Option<BackendArg>, printer: &Printer) -> anyhow::Result<Option<TrainingDevice>> {
    TrainingDevice::check_environment()?;
    asked.map(|asked| choose(asked, printer)).transpose()
}

fn choose(asked: BackendArg, printer: &Printer) -> anyhow::Result<TrainingDevice> {
    match asked {
        BackendArg::Cpu => Ok(TrainingDevice::cpu()),
        BackendArg::Wgpu => wgpu(),
        BackendArg::Auto => {
            let device = TrainingDevice::choose(BackendChoice::Auto)?;
            let words = match (device.is_processor(), HAS_WGPU) {
                (false, _) => device.name(),
                (true, true) => "the processor, for no GPU was found",
                (true, false) => "the processor, for this clockwork was built without wgpu",
            };
            printer.line(&format!("--backend auto: {words}"));
            Ok(device)
        }
    }
}

/// The kind of device that a run was trained on, the processor for a new one: on another it would end in
/// other bytes.
pub fn device_of(run: &RunFiles) -> anyhow::Result<TrainingDevice> {
    match run.record() {
        Some(Record::Trained(record)) if record.backend.name == "wgpu" => wgpu(),
        _ => Ok(TrainingDevice::cpu()),
    }
}

fn wgpu() -> anyhow::Result<TrainingDevice> {
    TrainingDevice::choose(BackendChoice::Wgpu).context("--backend wgpu")
}

/// What kind of device it is, as one would say it.
pub fn class(device: &TrainingDevice) -> &'static str {
    match device.class() {
        DeviceClass::Processor => "processor",
        DeviceClass::DiscreteGpu => "discrete GPU",
        DeviceClass::IntegratedGpu => "integrated GPU",
        DeviceClass::VirtualGpu => "virtual GPU",
        DeviceClass::SoftwareGpu => "processor, through a graphics driver",
    }
}
