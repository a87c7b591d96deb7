use std::io::{Write, stdout};

use clockwork_training::{BackendChoice, DeviceClass, HAS_WGPU, TrainingDevice};

use crate::{exit::Ended, table::table};

/// `clockwork devices`
pub fn devices() -> Ended {
    let all = TrainingDevice::all();
    // Both choices are the first of their kind.
    let of = |choice| TrainingDevice::choose(choice).ok().map(|device| in_words(&device));
    let (auto, wgpu) = (of(BackendChoice::Auto), of(BackendChoice::Wgpu));
    let rows = all.iter().map(|device| {
        let words = in_words(device);
        let mut flags = Vec::new();
        flags.extend((device.is_processor()).then_some("cpu"));
        flags.extend((wgpu.as_ref() == Some(&words)).then_some("wgpu"));
        flags.extend((auto.as_ref() == Some(&words)).then_some("auto"));
        [words.to_vec(), vec![flags.join(", ")]].concat()
    });
    let mut text = table(&["device", "name", "--backend"], rows.collect(), &[]);
    if !HAS_WGPU {
        text += "\nGPUs are not looked for: this clockwork was built without wgpu (`just backend=wgpu`)\n";
    }
    // A reader that went away, such as `head`, is no failure.
    let _ = stdout().write_all(text.as_bytes());
    Ended::Done
}

fn in_words(device: &TrainingDevice) -> [String; 2] {
    let class = match device.class() {
        DeviceClass::Processor => "processor",
        DeviceClass::DiscreteGpu => "discrete GPU",
        DeviceClass::IntegratedGpu => "integrated GPU",
        DeviceClass::VirtualGpu => "virtual GPU",
        DeviceClass::SoftwareGpu => "processor, through a graphics driver",
    };
    [class.to_owned(), device.name().to_owned()]
}
