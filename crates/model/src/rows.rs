use burn::prelude::*;

/// The row that each pair looks up in a table [p, k] with one row per number, for r networks with a table
/// each.
#[derive(Debug, Clone)]
pub struct Rows {
    /// The numbers, [r, n], plus i · p for network i: row indices into the r tables after each other.
    pub numbers: Tensor<2, Int>,
    /// 1 where a pair has a number and 0 elsewhere, [r, n, p], where rows are looked up by a product.
    one_hot: Option<Tensor<3>>,
}

impl Rows {
    /// The rows of these numbers.
    pub(crate) fn new(numbers: Tensor<2, Int>) -> Self {
        Self { numbers, one_hot: None }
    }

    /// The same rows of tables of p rows, looked up by a product with a matrix of ones and zeros.
    pub(crate) fn by_product(self, p: usize) -> Self {
        let r = self.numbers.dims()[0];
        let rows = Tensor::<1, Int>::arange(0..(r * p) as i64, &self.numbers.device()).reshape([r, 1, p]);
        let one_hot = self.numbers.clone().unsqueeze_dim(2).equal(rows).float(); // [r, n, p]
        Self { one_hot: Some(one_hot), ..self }
    }

    /// The rows, [r, n, k], of tables [r, p, k].
    pub(crate) fn of(&self, tables: Tensor<3>) -> Tensor<3> {
        let [r, p, k] = tables.dims();
        if let Some(one_hot) = &self.one_hot {
            return one_hot.clone().cast(tables.dtype()).matmul(tables);
        }
        let (numbers, n) = (self.numbers.clone().flatten::<1>(0, 1), self.numbers.dims()[1]);
        tables.reshape([r * p, k]).select(0, numbers).reshape([r, n, k])
    }
}
