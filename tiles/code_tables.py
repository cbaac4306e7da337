"""The base maps that come with the product: our own data, and templates of 天地图 without a key."""

from tiles.models import BaseMap

HOST = "https://t0.tianditu.gov.cn"
ATTRIBUTION = "天地图 © 国家地理信息公共服务平台"
# What the service draws, its labels, and how light it is.
KINDS = (("vec", "cva", "light", "矢量"), ("img", "cia", "imagery", "影像"), ("ter", "cta", "light", "地形"))
SCHEMES = (("c", "EPSG:4326", 1, "经纬度"), ("w", "EPSG:3857", 0, "墨卡托"))


def _tianditu(layer: str, scheme: str, projection: str, offset: int) -> dict:
    return {
        "service": BaseMap.Service.WMTS_KVP,
        "url": f"{HOST}/{layer}_{scheme}/wmts?tk={{key}}",
        "layer": layer,
        "style": "default",
        "image_format": "tiles",
        "matrix_set": scheme,
        "projection": projection,
        "level_offset": offset,
        "min_level": 1 - offset,
        "max_level": 18 - offset,
        "attribution": ATTRIBUTION,
        "active": False,
    }


def load() -> dict[str, int]:
    """Add the base maps that are missing; what an operator changed stays. Returns how many there are."""
    rows = [
        ("city", {"title": "自有数据（浅色）", "tone": "light", "position": 10}),
        ("city-grey", {"title": "自有数据（灰色）", "tone": "grey", "position": 11}),
        (
            "city-lonlat",
            {"title": "自有数据（经纬度）", "tone": "light", "position": 12, "projection": "EPSG:4326"},
        ),
    ]
    for name, values in rows:
        own = {"service": BaseMap.Service.OWN, "projection": "EPSG:3857", "min_level": 0, "max_level": 19}
        BaseMap.objects.get_or_create(name=name, defaults=own | values)
    position = 20
    for layer, labels, tone, word in KINDS:
        for scheme, projection, offset, system in SCHEMES:
            over, _new = BaseMap.objects.get_or_create(
                name=f"tianditu-{labels}-{scheme}",
                defaults=_tianditu(labels, scheme, projection, offset)
                | {"title": f"天地图{word}注记（{system}）", "is_overlay": True, "position": position + 1},
            )
            BaseMap.objects.get_or_create(
                name=f"tianditu-{layer}-{scheme}",
                defaults=_tianditu(layer, scheme, projection, offset)
                | {
                    "title": f"天地图{word}（{system}）",
                    "tone": tone,
                    "label_layer": over,
                    "position": position,
                },
            )
            position += 2
    return {"base maps": BaseMap.objects.count()}
