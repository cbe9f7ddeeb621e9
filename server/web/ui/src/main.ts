import { mount } from 'svelte';
import App from './App.svelte';
import { app } from './app.svelte';
import './look.css';

const target = document.getElementById('app');
if (target) {
  void app.begin();
  mount(App, { target });
}
