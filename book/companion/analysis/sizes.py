"""Parameters and output sizes of the networks, computed from the layer tables (no torch)."""

from dataclasses import dataclass

from adcgan.config import ADCGANConfig
from adcgan.models.architectures import PROJECTED, Layer, local_index, tables, trace, width

MODULES = ("encoder", "generator", "critic", "latent_discriminator")
ACTIVATIONS = {"leaky": "leaky ReLU", "prelu": "PReLU", "relu": "ReLU", "tanh": "tanh"}


@dataclass(frozen=True)
class Size:
    """One layer: its module, what it is, the shape of what it gives for one image, and its trained numbers."""

    module: str
    layer: str
    output: tuple[int, ...]
    parameters: int


def sizes(config: ADCGANConfig) -> list[Size]:
    """Every layer of the four networks of section 2.1, in the order in which they act; activations and spectral norm
    (which adds no parameters) belong to their layer, and so does batch norm."""
    return [*_encoder(config), *_generator(config), *_critic(config), *_latent_discriminator(config)]


def totals(config: ADCGANConfig) -> dict[str, int]:
    """Parameters of each of `MODULES`."""
    rows = sizes(config)
    return {module: sum(row.parameters for row in rows if row.module == module) for module in MODULES}


def _encoder(config):
    yield from _stack("encoder", tables(config).encoder, config.channels, config.image_size, config)
    if config.encoder_output == "layer-norm":
        yield Size("encoder", "layer norm", (config.latent_size,), 2 * config.latent_size)


def _generator(config):
    yield from _stack("generator", tables(config).generator, config.latent_size, 1, config)


def _critic(config):
    layers = tables(config).critic
    batch_norm = config.critic_norm == "spectral+batch"
    yield from _stack("critic", layers, config.channels, config.image_size, config, batch_norm)
    shapes = trace(layers, config.channels, config.image_size, config)
    (local, side), (final, _) = shapes[local_index(config)], shapes[-1]
    if config.logit_head == "mlp":
        hidden = width(tables(config).head_width, config)
        yield _linear("critic", "logit head: linear, ReLU", final, hidden)
        yield _linear("critic", "logit head: linear", hidden, 1)
    else:
        yield _linear("critic", "logit head: linear", final, 1)
    maps = (side, side)
    if config.projection == "local":
        yield Size("critic", "projection of the local map: conv 1×1", (final, *maps), _affine(local, final))
    elif config.projection == "global":
        yield _linear("critic", "projection of the global vector: linear", final, local)
    else:
        for name, inputs, place in (("local map", local, maps), ("global vector", final, ())):
            parameters = _affine(inputs, inputs) + 2 * _affine(inputs, PROJECTED)
            yield Size(
                "critic", f"projection of the {name}: two layers and a shortcut", (PROJECTED, *place), parameters
            )


def _latent_discriminator(config):
    inputs = config.latent_size * (1 if config.latent_pair == "marginal" else 2)
    *hidden, last = tables(config).latent_discriminator
    for out in hidden:
        yield _linear("latent_discriminator", "linear, leaky ReLU", inputs, out)
        inputs = out
    yield _linear("latent_discriminator", "linear", inputs, last)


def _stack(module, layers, channels, side, config, batch_norm=True):
    for layer, (out, after) in zip(layers, trace(layers, channels, side, config), strict=True):
        yield Size(module, _name(layer, batch_norm), (out, after, after), _parameters(layer, channels, out, batch_norm))
        channels = out


def _name(layer: Layer, batch_norm):
    if layer.kind == "residual":
        return "residual block: two conv 3×3, batch norm, PReLU"
    words = [f"{layer.kind} {layer.kernel}×{layer.kernel}"]
    words += [f"stride {layer.stride}"] if layer.stride > 1 else []
    words += [f"padding {layer.padding}"] if layer.padding else []
    words += ["batch norm"] if layer.bn and batch_norm else []
    words += [ACTIVATIONS[layer.activation]] if layer.activation else []
    return ", ".join(words)


def _parameters(layer: Layer, channels, out, batch_norm):
    if layer.kind == "residual":
        return 2 * (_affine(9 * out, out) + 2 * out) + 1  # each with batch norm's two; PReLU's one slope
    norm = 2 * out if layer.bn and batch_norm else 0
    return _affine(channels * layer.kernel**2, out) + norm + (layer.activation == "prelu")


def _linear(module, name, inputs, out):
    return Size(module, name, (out,), _affine(inputs, out))


def _affine(inputs, out):
    """Weights and biases of ``out`` sums over ``inputs`` values each."""
    return (inputs + 1) * out
