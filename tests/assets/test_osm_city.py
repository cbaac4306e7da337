"""The main job on real input: a city from OpenStreetMap, and a problem at a real manhole there."""

import uuid

import pytest
from django.core.management import call_command
from django.db.models import Count

from assets.models import Building, Component, PublicFacility, ReferenceLine, Shop
from cases import actions
from cases.models import Case
from geo.models import Area
from grids import assignment, coverage
from grids.models import Grid, UnitGrid
from grids.publication import to_shapely
from tests.factories import make_user, make_worker

pytestmark = pytest.mark.django_db


def shapes(queryset):
    return [to_shapely(geom) for geom in queryset.values_list("geom", flat=True)]


@pytest.fixture
def helsinki(db, shared_data, settings):
    """Helsinki's centre of 2019 as city 9902, measured in its own UTM zone."""
    settings.CITY_CODE, settings.CITY_SRID = "9902", 32635
    file = shared_data / "osm" / "helsinki_centre_2019.gpkg"
    call_command("load_osm", str(file), city_code="9902", name="Helsinki", verbosity=0)
    return file


def check_borders():
    """Areas and grids are coverages, vertex by vertex, at every level."""
    levels = set()
    for area in Area.objects.exclude(level="community"):
        assert coverage.is_exact(shapes(Area.objects.filter(parent=area)), to_shapely(area.geom)), area.code
        levels.add(area.level)
    for community in Area.objects.filter(level="community"):
        for model in (Grid, UnitGrid):
            parts = shapes(model.objects.filter(community_code=community.code, retired_on=None))
            assert coverage.is_exact(parts, to_shapely(community.geom)), community.code
    assert levels == {"city", "district", "street"}
    assert len(set(Area.objects.values_list("name", flat=True))) == Area.objects.count()


def check_assets():
    """What the mappers drew is there, under its national type, in its grid."""
    kinds = dict(Component.objects.values_list("type__name").annotate(n=Count("pk")))
    # 120 with their pipe known, two "missing" (lost), two "suspected".
    assert kinds["上水井盖"] == 121 and kinds["热力井盖"] == 47 and kinds["燃气井盖"] == 43
    assert kinds["路灯"] > 570 and kinds["行道树"] > 600
    assert Component.objects.filter(state="lost").count() == 15
    assert Building.objects.count() == 446 and Shop.objects.count() > 800
    assert ReferenceLine.objects.filter(name="Mannerheimintie", kind="road").exists()
    assert PublicFacility.objects.filter(kind="parking").exists()
    assert Building.objects.filter(address="Mannerheimintie 22-24", name="Lasipalatsi").exists()
    assert not Component.objects.filter(grid=None).exists()
    assert not any(assignment.disagreements(model) for model in assignment.located_models())


def test_helsinki_and_again(helsinki):
    check_borders()
    check_assets()
    tables = (Component, Building, Shop, ReferenceLine, Area, Grid)
    before = {model: set(model.objects.values_list("code", flat=True)) for model in tables}
    call_command("load_osm", str(helsinki), city_code="9902", name="Helsinki", verbosity=0)
    assert before == {model: set(model.objects.values_list("code", flat=True)) for model in tables}


def test_a_problem_at_a_real_manhole_reaches_its_unit(helsinki):
    reporter = make_user("reporter", role="grid_worker", area="9902")
    make_worker(reporter, area_code="9902")
    stranger = make_user("stranger", role="leader", area="9901")
    for name, unit in (("上水井盖", "water"), ("热力井盖", "heat"), ("路灯", "light"), ("不明井盖", "city")):
        manhole = Component.objects.filter(type__name=name).order_by("code").first()
        case, new = actions.report(
            reporter,
            actions.Place(manhole.geom),
            client_key=uuid.uuid4(),
            component=manhole,
            type=manhole.type,
            description="井盖松动",
        )
        assert new and case.state == "dispatched"
        assert case.holder_unit.code == f"9902-{unit}"
        assert case.decision["reason"] == "rule" and case.grid == manhole.grid
        assert case.number.startswith(f"A{manhole.area_code[:6]}")
        crew = make_user(unit, role="department", unit=case.holder_unit)
        assert Case.objects.for_user(crew).filter(pk=case.pk).exists()
        assert not Case.objects.for_user(stranger).filter(pk=case.pk).exists()


@pytest.mark.slow
def test_liechtenstein(db, shared_data, settings):
    settings.CITY_CODE, settings.CITY_SRID = "9903", 32632
    file = shared_data / "osm" / "liechtenstein_2013.gpkg"
    call_command("load_osm", str(file), city_code="9903", name="Liechtenstein", accounts=True, verbosity=0)
    assert Building.objects.count() == 3723
    # The file reaches beyond the country: what lies outside is refused, not given to some grid.
    stops = Component.objects.filter(type__name="公交站亭（牌）")
    assert 150 < stops.count() < 308 and not stops.filter(grid=None).exists()
    assert UnitGrid.objects.count() > 1500
    assert not any(assignment.disagreements(model) for model in (Component, Building))
