"""The job, its schedule, and the sensor that starts it when files arrive."""

import dagster as dg

refresh_kpis = dg.define_asset_job(
    "refresh_kpis",
    selection=dg.AssetSelection.all(),
    executor_def=dg.in_process_executor,
    description="Delivered files in, gated KPI marts out.",
)

daily = dg.ScheduleDefinition(
    name="daily", job=refresh_kpis, cron_schedule="0 3 * * *", execution_timezone="UTC"
)


@dg.sensor(job=refresh_kpis, minimum_interval_seconds=60)
def new_files(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Start a run when what figures depend on differs from what is published, and stands still.

    Once for the same inputs beside the same release: what a gate refused is not tried again until
    something changes, and inputs that come back after a release of others are run again. What
    differs from the last look may be half of what is being copied, so it waits for the next one;
    a run that is at work may be about to publish it.
    """
    from dagster_project.ingest.run import inputs_signature
    from dagster_project.lock import is_written
    from dagster_project.publish.release import published_manifest
    from dagster_project.settings import load_workspace

    workspace = load_workspace()
    signature, seen = inputs_signature(workspace), context.cursor
    context.update_cursor(signature)
    before = published_manifest(workspace)
    if before and before["signature"] == signature:
        return dg.SkipReason("nothing new since the published release")
    if seen != signature:
        return dg.SkipReason("something changed since the last look; a run starts when it rests")
    if is_written(workspace):
        return dg.SkipReason("another run is at work; looking again when it is over")
    return dg.RunRequest(run_key=f"{signature} after {before['run_id'] if before else 'nothing'}")
