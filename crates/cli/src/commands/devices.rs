use clockwork_training::{BackendChoice, HAS_WGPU, TrainingDevice};

use crate::{device::class, exit::Ended, printer::Printer, table::table};

/// `clockwork devices`
pub fn devices() -> anyhow::Result<Ended> {
    let all = TrainingDevice::all();
    // Both choices are the first of their kind.
    let of = |choice| TrainingDevice::choose(choice).ok().map(|device| cells(&device));
    let (auto, wgpu) = (of(BackendChoice::Auto), of(BackendChoice::Wgpu));
    let rows = all.iter().map(|device| {
        let cells = cells(device);
        let mut flags = Vec::new();
        flags.extend((device.is_processor()).then_some("cpu"));
        flags.extend((wgpu.as_ref() == Some(&cells)).then_some("wgpu"));
        flags.extend((auto.as_ref() == Some(&cells)).then_some("auto"));
        [cells.to_vec(), vec![flags.join(", ")]].concat()
    });
    let mut text = table(&["device", "name", "--backend"], rows.collect(), &[]);
    if !HAS_WGPU {
        text += "\nGPUs are not looked for: this clockwork was built without wgpu (`just backend=wgpu`)\n";
    }
    Printer::new(false).result(&text)?;
    Ok(Ended::Done)
}

/// What a device's row says of it.
fn cells(device: &TrainingDevice) -> [String; 2] {
    [class(device).to_owned(), device.name().to_owned()]
}
