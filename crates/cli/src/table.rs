use comfy_table::{CellAlignment, Table, presets::NOTHING};

/// A table for the terminal, two spaces between columns, of which some are aligned to the right.
pub fn table(header: &[&str], rows: Vec<Vec<String>>, to_the_right: &[usize]) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(header.to_vec()).add_rows(rows);
    for (i, column) in table.column_iter_mut().enumerate() {
        column.set_padding((2, 0));
        if to_the_right.contains(&i) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_stand_below_each_other() {
        let rows = [["seed-0", "1200", "ω"], ["seed-10", "50", ""]].map(|row| row.map(String::from).to_vec());
        let table = table(&["run", "step", "what"], rows.to_vec(), &[1]);
        assert_eq!(table, "  run      step  what\n  seed-0   1200  ω\n  seed-10    50\n");
    }
}
