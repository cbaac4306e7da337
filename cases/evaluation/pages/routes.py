"""Addresses of the pages of evaluation."""

from django.urls import path

from cases.evaluation.pages import data, models, results, tasks

TASK = "evaluation/tasks/<int:pk>/"

urlpatterns = [
    path("evaluation/", tasks.tasks_page, name="evaluation"),
    path("evaluation/tasks/new/", tasks.new_task, name="evaluation-task-new"),
    path(TASK, tasks.task_page, name="evaluation-task"),
    path(f"{TASK}move/<slug:action>/", tasks.move_task, name="evaluation-move"),
    path(f"{TASK}recompute/", tasks.recompute_task, name="evaluation-recompute"),
    path(f"{TASK}delete/", tasks.delete_task, name="evaluation-task-delete"),
    path(f"{TASK}assessors/", tasks.assessors, name="evaluation-assessors"),
    path(f"{TASK}sample/", tasks.sample_page, name="evaluation-sampling"),
    path(f"{TASK}sample/draw/", tasks.draw, name="evaluation-draw"),
    path(f"{TASK}sample/repeat/", tasks.repeat, name="evaluation-repeat"),
    path(f"{TASK}sample/points.json", tasks.draw_json, name="evaluation-draw-json"),
    path(f"{TASK}values/", data.data_page, name="evaluation-data"),
    path(f"{TASK}values/enter/", data.enter_value, name="evaluation-enter"),
    path(f"{TASK}values/<int:value>/review/", data.review_value, name="evaluation-review"),
    path(f"{TASK}field/", data.field_page, name="evaluation-field"),
    path(f"{TASK}field/<int:inspection>/forget/", data.forget, name="evaluation-forget"),
    path(f"{TASK}results/", results.results_page, name="evaluation-results"),
    path(f"{TASK}results/<int:subject>/", results.subject_page, name="evaluation-subject"),
    path(f"{TASK}export/<slug:kind>/", tasks.export, name="evaluation-export"),
    path("evaluation/models/", models.models_page, name="evaluation-models"),
    path("evaluation/models/new/", models.new_model, name="evaluation-model-new"),
    path("evaluation/models/<int:pk>/", models.model_page, name="evaluation-model"),
    path("evaluation/models/<int:pk>/tree/", models.save_tree, name="evaluation-tree"),
    path("evaluation/models/<int:pk>/act/<slug:action>/", models.act_on_model, name="evaluation-model-act"),
    path("evaluation/indicators/", models.indicators_page, name="evaluation-indicators"),
    path("evaluation/indicators/new/", models.indicator_form, name="evaluation-indicator-new"),
    path("evaluation/indicators/<int:pk>/", models.indicator_form, name="evaluation-indicator"),
]
