"""The training step that one would write in a notebook: PyTorch, all three positions, full batch,
log-softmax in 64 bits, AdamW. Times it and prints milliseconds per step as JSON.

usage: textbook_step.py STEPS THREADS
"""

import json
import sys
import time

import torch

P, D_MODEL, N_HEADS, D_MLP = 113, 128, 4, 512
D_HEAD = D_MODEL // N_HEADS


class Transformer(torch.nn.Module):
    def __init__(self):
        super().__init__()

        def normal(*shape, std=D_MODEL**-0.5):
            return torch.nn.Parameter(torch.randn(*shape) * std)

        self.W_E = normal(P + 1, D_MODEL)
        self.W_pos = normal(3, D_MODEL)
        self.W_Q, self.W_K, self.W_V = (normal(N_HEADS, D_MODEL, D_HEAD) for _ in range(3))
        self.W_O = normal(N_HEADS, D_HEAD, D_MODEL)
        self.W_in, self.b_in = normal(D_MODEL, D_MLP), torch.nn.Parameter(torch.zeros(D_MLP))
        self.W_out, self.b_out = normal(D_MLP, D_MODEL), torch.nn.Parameter(torch.zeros(D_MODEL))
        self.W_U = normal(D_MODEL, P, std=(P + 1) ** -0.5)
        self.register_buffer("mask", torch.tril(torch.ones(3, 3, dtype=torch.bool)))

    def forward(self, tokens):
        resid = self.W_E[tokens] + self.W_pos  # [n, 3, d_model]
        q, k, v = (torch.einsum("nsd,hde->nhse", resid, W) for W in (self.W_Q, self.W_K, self.W_V))
        scores = (q @ k.transpose(2, 3)) / D_HEAD**0.5  # [n, n_heads, 3, 3]
        pattern = scores.masked_fill(~self.mask, float("-inf")).softmax(-1)
        resid = resid + torch.einsum("nhse,hed->nsd", pattern @ v, self.W_O)
        neuron_acts = torch.relu(resid @ self.W_in + self.b_in)  # [n, 3, d_mlp]
        resid = resid + neuron_acts @ self.W_out + self.b_out
        return resid @ self.W_U  # [n, 3, p]


def main(steps, threads):
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    model = Transformer()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, betas=(0.9, 0.98), eps=1e-8, weight_decay=1.0)
    scheduler = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min((step + 1) / 10, 1))
    pairs = torch.randperm(P * P)[: int(0.3 * P * P)]
    x, y = pairs // P, pairs % P
    tokens = torch.stack([x, y, torch.full_like(x, P)], 1)
    answers = (x + y) % P

    def step():
        logits = model(tokens)[:, -1].to(torch.float64)
        loss = -logits.log_softmax(-1).gather(1, answers[:, None]).mean()
        loss.backward()
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad()

    for _ in range(3):
        step()
    start = time.perf_counter()
    for _ in range(steps):
        step()
    seconds = time.perf_counter() - start
    print(json.dumps({"ms_per_step": 1e3 * seconds / steps, "torch": torch.__version__, "threads": threads}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
