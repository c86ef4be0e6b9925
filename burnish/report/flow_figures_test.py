from __future__ import annotations

from burnish.report.correction_models import correction_models
from burnish.report.fake_correction import correction_results
from burnish.report.flow_figures import flow_figures


def figures_of(results):
    return flow_figures(correction_models(results))


def test_stages_are_compared_with_the_base_model():
    captions = [figure.caption for figure in figures_of(correction_results())]
    assert captions == [
        "10 samples.",
        "Against the base model: fixed +20.0 points, broken \u221210.0 points.",
        "Against the base model: fixed +20.0 points, broken \u221230.0 points. None was broken.",
    ]


def test_every_transition_is_compared():
    caption = figures_of(correction_results(turns=3))[1].caption
    assert "fixed +20.0 points, broken \u221210.0 points from attempt 1 to 2; " in caption
    assert caption.endswith(" None was fixed or broken from attempt 2 to 3.")


def test_the_drawing_is_told_in_words():
    words = figures_of(correction_results())[0].description.replace("\u00a0", " ")
    assert words == (
        "Base model, 10 samples. From attempt 1 to 2, 4 stayed right (40.0 %), 1 were fixed "
        "(10.0 %), 3 were broken (30.0 %), 2 stayed wrong (20.0 %)."
    )


def test_models_without_counts_have_no_figure():
    results = correction_results()
    del results["base"]["t1-t2"]["counts"]
    found = figures_of(results)
    assert [figure.stage for figure in found] == ["stage_one", "stage_two"]
    assert found[0].caption == "10 samples."
    assert "Against Stage I" in found[1].caption
