use std::ops::Range;

use clockwork_model::Task;

/// How many pairs a tile has, or a little more. The fewer tiles, the less often the operands of the
/// products are packed; with this many the activations of a tile and their gradients, 2 KiB each per
/// pair of the paper's network, still fit into two megabytes of second-level cache, and its 3830 pairs
/// make 8 pieces of work.
const TILE_PAIRS: usize = 480;

/// Pairs in the order of their index, cut into tiles.
///
/// Tiles are the unit of parallel work. They depend on the pairs alone, never on the number of
/// threads, and what they find is summed in their order: hence the same bits with any number.
#[derive(Debug, Clone)]
pub(crate) struct Pairs {
    pub x: Vec<usize>,
    pub y: Vec<usize>,
    pub answer: Vec<usize>,
    /// Each tile has whole values of x, so that what belongs to an x belongs to one tile.
    pub tiles: Vec<Tile>,
    /// The pairs of every y, ascending.
    pub of_y: Vec<Vec<usize>>,
}

#[derive(Debug, Clone)]
pub(crate) struct Tile {
    pub pairs: Range<usize>,
    pub x: Range<usize>,
}

impl Pairs {
    /// The pairs of ascending [indices](Task::index).
    pub fn new(task: Task, indices: &[usize]) -> Self {
        let p = task.modulus;
        let (x, y): (Vec<usize>, Vec<usize>) = indices.iter().map(|&index| task.pair(index)).unzip();
        let mut of_y = vec![Vec::new(); p];
        for (n, &y) in y.iter().enumerate() {
            of_y[y].push(n);
        }
        let mut tiles = Vec::new();
        let mut tile = Tile { pairs: 0..0, x: 0..0 };
        for value in 0..p {
            tile.x.end = value + 1;
            tile.pairs.end += x[tile.pairs.end..].iter().take_while(|&&x| x == value).count();
            if tile.pairs.len() >= TILE_PAIRS || value + 1 == p {
                let (pairs_end, x_end) = (tile.pairs.end, tile.x.end);
                tiles.push(std::mem::replace(
                    &mut tile,
                    Tile { pairs: pairs_end..pairs_end, x: x_end..x_end },
                ));
            }
        }
        let answer = indices.iter().map(|&index| task.answer(task.pair(index))).collect();
        Self { x, y, answer, tiles, of_y }
    }

    pub fn len(&self) -> usize {
        self.x.len()
    }
}

#[cfg(test)]
mod tests {

    use super::*;

    #[test]
    fn tiles_cover_every_pair_and_every_x_once() {
        let task = Task::addition(60);
        let pairs = Pairs::new(task, &(0..3600).filter(|i| i % 3 == 0 && i / 60 != 7).collect::<Vec<_>>());
        let mut next = (0, 0);
        for Tile { pairs: range, x } in &pairs.tiles {
            assert_eq!((range.start, x.start), next);
            assert!(range.clone().all(|n| x.contains(&pairs.x[n])));
            next = (range.end, x.end);
        }
        assert_eq!(next, (pairs.len(), 60));
        assert!(pairs.tiles.len() > 1);
        assert_eq!(pairs.of_y.iter().map(Vec::len).sum::<usize>(), pairs.len());
    }
}
