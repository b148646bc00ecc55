from traingate.controller.build_locks import remove_stale_locks


def test_a_lock_of_a_killed_worker_is_removed_and_that_of_a_running_one_stays(tmp_path):
    for name in ("stale", "held"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "lock").touch()
    with (tmp_path / "held" / "lock").open():
        remove_stale_locks(tmp_path)
        assert (tmp_path / "held" / "lock").exists()
    assert not (tmp_path / "stale" / "lock").exists()
    remove_stale_locks(tmp_path / "nowhere")
